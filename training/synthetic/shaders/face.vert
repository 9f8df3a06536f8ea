in vec3 in_position;
in vec3 in_normal;
in float in_hollow;
in vec2 in_uv;
in float in_kind;
in float in_scalp;
in float in_depth;
in vec2 in_beard;  // where a beard and a moustache grow

uniform vec3 eyes[2];
uniform vec2 shut;          // how far the left and right lids are closed
uniform float hairline;
uniform vec3 hair_shape;    // volume, how uneven, fringe; in kit units
uniform float parting;      // where the fringe is parted, in kit units from the middle
uniform vec2 beard_length;  // of beard and moustache, in kit units

out vec3 normal;
out vec3 eye_way;
out vec3 ambience;
out float hollow;
out vec2 uv;
flat out float kind;
out float scalp;
out float depth;
out float lid_shade;
out vec2 beard;
out vec3 place;
out float lids_down;

void main() {
    vec3 p = in_position;
    // A fringe hangs over the forehead, deepest beside its parting.
    lids_down = 0.0;
    float front = smoothstep(4.0, 9.0, p.z) * exp(-0.03 * p.x * p.x);
    scalp = in_scalp + hair_shape.z * front * (1.0 - 0.75 * exp(-0.5 * (p.x - parting) * (p.x - parting)));
    if (in_kind < 1.5) {
        float grown = smoothstep(-0.2, 1.6, scalp - hairline);
        vec2 lengths = in_beard * beard_length;
        float bristle = max(lengths.x, lengths.y);
        if (grown * hair_shape.x > 0.0) {
            float waves = sin(p.x * 1.7 + 2.3 * sin(p.y * 0.9 + parting)) * sin(p.z * 1.3 + p.y * 1.1 + 3.0 * parting);
            p += in_normal * grown * hair_shape.x * (1.0 + hair_shape.y * waves);
        }
        if (bristle > 0.0) {
            float tufts = 1.0 + 0.35 * sin(p.x * 3.1) * sin(p.y * 2.3 + p.x);
            p += (in_normal + vec3(0.0, -0.5, 0.0)) * bristle * tufts;
        }
    }
    place = p;
    vec3 seen = turn * (p - centre);
    gl_Position = projected(seen);
    if (in_kind > 3.5) {  // lids lie close to the eyeball, and some people's cut it: let them win
        vec4 deeper = projected(seen - vec3(0.0, 0.0, 0.35));
        gl_Position.z = deeper.z / deeper.w * gl_Position.w;
        lids_down = in_position.x > 0.0 ? shut.x : shut.y;
    }
    normal = turn * in_normal;
    ambience = around(normal);
    eye_way = vec3(0.0, 0.0, distance) - seen;
    hollow = in_hollow;
    uv = in_uv;
    kind = in_kind;
    depth = in_depth;
    beard = in_beard;
    // Lids and lashes shade the eyeball's upper part.
    vec3 eye = in_position.x > 0.0 ? eyes[0] : eyes[1];
    lid_shade = in_position.y - eye.y;
}
