in vec3 in_position;
in vec3 in_normal;
in vec4 in_paint;  // colour, opacity
in vec2 in_strand;
in float in_gloss;

out vec3 normal;
out vec3 eye_way;
out vec3 ambience;
out vec4 paint;
out vec2 strand;
out float shine;

void main() {
    vec3 seen = turn * (in_position - centre);
    gl_Position = projected(seen);
    normal = turn * in_normal;
    eye_way = vec3(0.0, 0.0, distance) - seen;
    if (dot(normal, eye_way) < 0.0) normal = -normal;
    ambience = around(normal);
    paint = in_paint;
    strand = in_strand;
    shine = in_gloss;
}
