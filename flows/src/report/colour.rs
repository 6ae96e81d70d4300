use plotters::style::RGBColor;

pub(super) const INK: RGBColor = RGBColor(34, 40, 49);
pub(super) const RULE: RGBColor = RGBColor(196, 202, 210);
pub(super) const GRID: RGBColor = RGBColor(232, 235, 239);
pub(super) const DATA: RGBColor = RGBColor(31, 94, 168);
pub(super) const SAMPLES: RGBColor = RGBColor(214, 96, 22);
pub(super) const TRAIN: RGBColor = RGBColor(122, 130, 142);
pub(super) const VALID: RGBColor = RGBColor(24, 134, 110);

/// From dark violet over teal to light yellow in equal steps of CIE lightness, about 10 each.
const DENSITY: [RGBColor; 9] = [
    RGBColor(43, 8, 97),
    RGBColor(33, 49, 116),
    RGBColor(24, 80, 126),
    RGBColor(21, 108, 133),
    RGBColor(25, 137, 146),
    RGBColor(26, 167, 150),
    RGBColor(54, 198, 130),
    RGBColor(156, 219, 116),
    RGBColor(236, 235, 118),
];

/// A colour scale of 255 levels: 0 is the least, 254 the most.
pub(super) struct Ramp(Vec<RGBColor>);

impl Ramp {
    pub(super) fn density() -> Self {
        Self::through(&DENSITY)
    }

    /// From near white to a deepened `colour`, for counts over a white page.
    pub(super) fn tint(colour: RGBColor) -> Self {
        let pale = mix(RGBColor(255, 255, 255), colour, 0.1);
        let deep = mix(colour, RGBColor(0, 0, 0), 0.45);
        Self::through(&[pale, colour, deep])
    }

    fn through(stops: &[RGBColor]) -> Self {
        let last = stops.len() - 1;
        let level = |k: usize| {
            let at = k as f64 / 254.0 * last as f64;
            let below = (at as usize).min(last - 1);
            mix(stops[below], stops[below + 1], at - below as f64)
        };
        Self((0..255).map(level).collect())
    }

    /// The colour at `share` of the way from the least (0) to the most (1).
    pub(super) fn at(&self, share: f64) -> RGBColor {
        self.0[level(share)]
    }

    pub(super) fn colours(&self) -> &[RGBColor] {
        &self.0
    }
}

/// The level of a share of the whole scale; what lies outside falls on its ends.
pub(super) fn level(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * 254.0).round() as usize
}

fn mix(a: RGBColor, b: RGBColor, t: f64) -> RGBColor {
    let channel = |a: u8, b: u8| (f64::from(a) + t * (f64::from(b) - f64::from(a))).round() as u8;
    RGBColor(channel(a.0, b.0), channel(a.1, b.1), channel(a.2, b.2))
}

/// The colour as CSS writes it.
pub(super) fn css(colour: RGBColor) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness(colour: RGBColor) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let y = 0.2126 * linear(colour.0) + 0.7152 * linear(colour.1) + 0.0722 * linear(colour.2);
        if y > 0.008_856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    #[test]
    fn density_ramp_climbs_evenly_in_lightness() {
        let ramp = Ramp::density();
        let lights: Vec<f64> = (0..=16).map(|k| lightness(ramp.at(f64::from(k) / 16.0))).collect();
        let mean = (lights[16] - lights[0]) / 16.0;
        for pair in lights.windows(2) {
            let step = pair[1] - pair[0];
            assert!((step / mean - 1.0).abs() < 0.3, "step {step} of {lights:?}");
        }
    }

    #[test]
    fn tints_darken_from_end_to_end() {
        for colour in [DATA, SAMPLES] {
            let ramp = Ramp::tint(colour);
            assert!(ramp.colours().windows(2).all(|w| lightness(w[0]) >= lightness(w[1])));
        }
    }
}
