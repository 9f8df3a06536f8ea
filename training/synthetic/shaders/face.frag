in vec3 normal;
in vec3 eye_way;
in vec3 ambience;
in float hollow;
in vec2 uv;
flat in float kind;
in float scalp;
in float depth;
in float lid_shade;
in vec2 beard;
in vec3 place;
in float lids_down;

uniform sampler2D face;
uniform sampler2D folds;
uniform vec3 skin;
uniform vec3 hair;
uniform vec3 beard_colour;
uniform vec3 iris;
uniform float hairline;
uniform float strandy;       // 0: cloth, 1: hair
uniform vec2 beard_density;  // of beard and moustache
uniform float gloss;
uniform float parted;  // 0: lips closed, 1: wide enough for light to fall in

out vec4 colour;

const float BUMP = 0.075;  // depth of the deepest crease, kit units

// Tilts a normal by a height that varies over the screen.
vec3 tilted(vec3 n, float height) {
    vec3 across = dFdx(-eye_way), down = dFdy(-eye_way);
    vec3 r1 = cross(down, n), r2 = cross(n, across);
    float area = dot(across, r1);
    vec3 slope = sign(area) * (dFdx(height) * r1 + dFdy(height) * r2);
    return normalize(abs(area) * n - slope);
}

void main() {
    vec3 n = normalize(normal);
    vec3 eye = normalize(eye_way);
    vec3 base = skin;
    float open = 1.0;   // how much light gets in
    float shine = gloss;
    float sharpness = 18.0;
    float wrap = 0.25;  // light scatters in skin, round the edge of a shadow
    if (kind < 1.5) {
        open = clamp(1.0 - 7.0 * hollow, 0.35, 1.12);
        if (kind < 0.5) {
            base = texture(face, uv).rgb;
            float height = max(texture(folds, uv).r, -1.1);  // creases of both sides meet in the middle
            n = tilted(n, BUMP * height);
            open *= clamp(1.0 + 0.58 * min(height, 0.0) + 0.10 * max(height, 0.0), 0.3, 1.1);
        }
        vec2 bearded = beard * beard_density;
        if (scalp - hairline > -0.5 || max(bearded.x, bearded.y) > 0.02) {
            float strand = strands(place.x + 0.35 * place.z, place.y);
            float grown = smoothstep(0.0, 0.9, scalp - hairline + 0.3 * strandy * strand);
            base = mix(base, hair * (1.0 + 0.22 * strandy * strand), 0.95 * grown);
            vec2 bristles = smoothstep(0.25, 0.75, bearded + 0.18 * strand) * step(0.01, beard_density);
            float bristly = max(bristles.x, bristles.y);
            base = mix(base, beard_colour * (1.0 + 0.3 * strand), 0.92 * bristly);
            shine = mix(shine, 0.06, max(grown, bristly));
        }
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
        open = 0.9 * mix(1.0, 0.45, smoothstep(-0.1, 0.75, lid_shade)) * (1.0 - 0.85 * smoothstep(0.7, 1.0, lids_down));
        shine = 0.9;
        sharpness = 120.0;
        wrap = 0.4;
    }
    vec3 glint = vec3(0.0);
    vec3 light = ambience + lamps(n, eye, wrap, sharpness, glint);
    colour = vec4(film(linear(base) * light * open + shine * glint * open * 0.6), 1.0);
}
