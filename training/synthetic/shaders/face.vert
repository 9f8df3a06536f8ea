#version 330

in vec3 in_position;
in vec3 in_normal;
in float in_hollow;
in vec2 in_uv;
in float in_kind;
in float in_scalp;
in float in_depth;

uniform mat3 turn;
uniform vec3 centre;
uniform float distance;
uniform float half_width;
uniform vec2 shift;
uniform vec3 eyes[2];
uniform vec3 ambient[9];

out vec3 normal;
out vec3 eye_way;
out vec3 ambience;
out float hollow;
out vec2 uv;
flat out float kind;
out float scalp;
out float depth;
out float lid_shade;

// Ambient light: spherical harmonics in the order y, x, z after the constant.
vec3 around(vec3 n) {
    return ambient[0] + ambient[1] * n.y + ambient[2] * n.x + ambient[3] * n.z
        + ambient[4] * n.x * n.y + ambient[5] * n.y * n.z + ambient[6] * (3.0 * n.z * n.z - 1.0)
        + ambient[7] * n.x * n.z + ambient[8] * (n.x * n.x - n.y * n.y);
}

void main() {
    vec3 seen = turn * (in_position - centre);
    float away = distance - seen.z;
    vec2 at = seen.xy * distance / half_width + 2.0 * shift * away;
    const float near = 5.0, far = 400.0;
    // The top row comes first: y points down.
    gl_Position = vec4(at.x, -at.y, (away * (far + near) - 2.0 * far * near) / (far - near), away);
    normal = turn * in_normal;
    ambience = max(around(normal), 0.0);
    eye_way = vec3(0.0, 0.0, distance) - seen;
    hollow = in_hollow;
    uv = in_uv;
    kind = in_kind;
    scalp = in_scalp;
    depth = in_depth;
    // Lids and lashes shade the eyeball's upper part.
    vec3 eye = in_position.x > 0.0 ? eyes[0] : eyes[1];
    lid_shade = in_position.y - eye.y;
}
