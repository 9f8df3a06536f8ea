// Where a vertex is in the picture, and the light that comes from everywhere.

uniform mat3 turn;
uniform vec3 centre;
uniform float distance;
uniform float half_width;
uniform vec2 shift;
uniform vec3 ambient[9];

vec4 projected(vec3 seen) {
    float away = distance - seen.z;
    vec2 at = seen.xy * distance / half_width + 2.0 * shift * away;
    const float near = 5.0, far = 400.0;
    // The top row comes first: y points down.
    return vec4(at.x, -at.y, (away * (far + near) - 2.0 * far * near) / (far - near), away);
}

// Ambient light: spherical harmonics in the order y, x, z after the constant.
vec3 around(vec3 n) {
    return max(ambient[0] + ambient[1] * n.y + ambient[2] * n.x + ambient[3] * n.z
        + ambient[4] * n.x * n.y + ambient[5] * n.y * n.z + ambient[6] * (3.0 * n.z * n.z - 1.0)
        + ambient[7] * n.x * n.z + ambient[8] * (n.x * n.x - n.y * n.y), 0.0);
}
