// What both kinds of fragments share: lamps, gloss, film.

uniform vec3 lamp_directions[3];
uniform vec3 lamp_colours[3];

vec3 linear(vec3 c) { return c * c; }  // nearly sRGB, and much cheaper than a power

// Light that falls on a surface; its glint is added to `glint`.
vec3 lamps(vec3 n, vec3 eye, float wrap, float sharpness, inout vec3 glint) {
    vec3 light = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        if (lamp_colours[i].g == 0.0) continue;  // switched off
        float facing = dot(n, lamp_directions[i]);
        light += lamp_colours[i] * max((facing + wrap) / (1.0 + wrap), 0.0);
        vec3 half_way = normalize(lamp_directions[i] + eye);
        glint += lamp_colours[i] * pow(max(dot(n, half_way), 0.0), sharpness) * step(0.0, facing);
    }
    return light;
}

// Film's shoulder: bright skin keeps its modelling.
vec3 film(vec3 lit) {
    lit = mix(lit, 1.0 - 0.16 / (max(lit, 0.6) - 0.2), step(0.6, lit));
    return sqrt(clamp(lit, 0.0, 1.0));
}

// Strands: −1 to 1, across `along`.
float strands(float across, float along) {
    return 0.6 * sin(across * 19.0 + 2.0 * sin(along * 0.9)) * sin(across * 7.3 + along * 0.6)
        + 0.4 * sin(across * 43.0 + 1.7 * sin(along * 1.3));
}
