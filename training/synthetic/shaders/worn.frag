in vec3 normal;
in vec3 eye_way;
in vec3 ambience;
in vec4 paint;
in vec2 strand;
in float shine;

out vec4 colour;

void main() {
    vec3 n = normalize(normal);
    vec3 eye = normalize(eye_way);
    vec3 glint = vec3(0.0);
    vec3 light = ambience + lamps(n, eye, 0.2, 24.0, glint);
    vec3 base = paint.rgb;
    float opacity = paint.a;
    if (strand.x != 0.0) {
        base *= 1.0 + 0.25 * strands(strand.x, strand.y);
    } else if (opacity < 0.99) {
        // A lens mirrors what is bright behind the camera: a window, as a slanted band.
        float band = smoothstep(0.35, 0.6, sin(strand.y * 2.2 + n.x * 3.0));
        opacity = clamp(opacity + shine * band, 0.0, 1.0);
        base = mix(base, vec3(0.85), shine * band);
    }
    vec3 lit = film(linear(base) * light + 0.5 * shine * glint);
    colour = vec4(lit * opacity, opacity);
}
