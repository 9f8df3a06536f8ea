#version 330

in vec3 normal;
in vec3 eye_way;
in vec3 ambience;
in float hollow;
in vec2 uv;
flat in float kind;
in float scalp;
in float depth;
in float lid_shade;

uniform sampler2D face;
uniform vec3 skin;
uniform vec3 hair;
uniform vec3 iris;
uniform float hairline;
uniform vec3 lamp_directions[2];
uniform vec3 lamp_colours[2];
uniform float gloss;
uniform float parted;  // 0: lips closed, 1: wide enough for light to fall in

out vec4 colour;

vec3 linear(vec3 c) { return c * c; }  // nearly sRGB, and much cheaper than a power

void main() {
    vec3 n = normalize(normal);
    vec3 eye = normalize(eye_way);
    vec3 base = skin;
    float open = 1.0;   // how much light gets in
    float shine = gloss;
    float sharpness = 18.0;
    float wrap = 0.25;  // light scatters in skin, round the edge of a shadow
    if (kind < 1.5) {
        if (kind < 0.5) base = texture(face, uv).rgb;
        float grown = smoothstep(0.0, 0.9, scalp - hairline);
        base = mix(base, hair, 0.93 * grown);
        shine = mix(shine, 0.04, grown);
        open = clamp(1.0 - 7.0 * hollow, 0.35, 1.12);
    } else if (kind < 2.5) {
        base = vec3(0.62, 0.33, 0.32);
        open = mix(0.15, 0.8, parted) / (1.0 + 0.5 * depth * depth);
        shine = 0.1;
    } else if (kind < 3.5) {
        base = vec3(0.90, 0.87, 0.78);
        open = mix(0.12, 0.95, parted) / (1.0 + 0.2 * depth * depth);
        shine = 0.25;
        sharpness = 40.0;
    } else {
        float r = length(uv);
        vec3 white = vec3(0.72, 0.69, 0.67);
        vec3 ring = mix(iris, iris * 0.35, smoothstep(0.50, 0.62, r));
        base = mix(ring, white, smoothstep(0.60, 0.68, r));
        base = mix(vec3(0.02), base, smoothstep(0.22, 0.28, r));
        open = 0.9 * mix(1.0, 0.45, smoothstep(-0.1, 0.75, lid_shade));
        shine = 0.9;
        sharpness = 120.0;
        wrap = 0.4;
    }
    vec3 light = ambience;
    vec3 glint = vec3(0.0);
    for (int i = 0; i < 2; i++) {
        float facing = dot(n, lamp_directions[i]);
        light += lamp_colours[i] * max((facing + wrap) / (1.0 + wrap), 0.0);
        vec3 half_way = normalize(lamp_directions[i] + eye);
        glint += lamp_colours[i] * pow(max(dot(n, half_way), 0.0), sharpness) * step(0.0, facing);
    }
    vec3 lit = linear(base) * light * open + shine * glint * open * 0.6;
    // Film's shoulder: bright skin keeps its modelling.
    lit = mix(lit, 1.0 - 0.16 / (max(lit, 0.6) - 0.2), step(0.6, lit));
    colour = vec4(sqrt(clamp(lit, 0.0, 1.0)), 1.0);
}
