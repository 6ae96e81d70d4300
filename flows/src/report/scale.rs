use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::span::Span;

/// Pixels between neighbouring labels, at least.
const GAP: f64 = 12.0;
/// Pixels by which a label may reach beyond either end of the axis.
const OVERHANG: f64 = 7.5;

/// An axis with round numbers along it.
///
/// The library's own choice of ticks compares with absolute tolerances, which fails on very long and very
/// short axes; this one is relative, so that data of any size can be drawn.
pub(super) struct Scale {
    span: Span,
    ticks: Vec<f64>,
    step: f64,
}

impl Scale {
    /// The most ticks up to about `most` whose labels have room along `length` pixels, `least` or further
    /// apart in value; `extent` gives the pixels a label takes.
    pub(super) fn fitting(
        span: Span,
        most: i32,
        length: i32,
        least: f64,
        extent: impl Fn(&str) -> i32,
    ) -> Self {
        let extent = |scale: &Self, tick: &f64| f64::from(extent(&scale.format_ext(tick)));
        let fit = |wanted| {
            let mut scale = Self::of(span, wanted, least);
            let pixels = f64::from(length) / span.length();
            let roomy = scale.ticks.iter().all(|t| extent(&scale, t) + GAP <= pixels * scale.step);
            // A label that reaches far beyond the axis would run into the next panel's.
            let mut ticks = scale.ticks.clone();
            let reach = |t: &f64| pixels * (t - span.low).min(span.high - t) + OVERHANG;
            ticks.retain(|t| 0.5 * extent(&scale, t) <= reach(t));
            scale.ticks = ticks;
            (roomy && scale.ticks.len() > 1).then_some(scale)
        };
        (2..=most).rev().find_map(fit).unwrap_or_else(|| Self::of(span, 2, least))
    }

    /// About `wanted` ticks, at most half as many again, at multiples of 1, 2 or 5 times a power of ten.
    fn of(span: Span, wanted: i32, least: f64) -> Self {
        let rough = (0.75 * span.length() / f64::from(wanted)).max(least);
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
        let (first, last) = ((span.low / step).ceil() as i64, (span.high / step).floor() as i64);
        Self { span, ticks: (first..=last).map(|k| k as f64 * step).collect(), step }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let share = (self.span.clamp(*value) - self.span.low) / self.span.length();
        start + (share * f64::from(end - start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.span.low..self.span.high
    }
}

impl ValueFormatter<f64> for Scale {
    /// As many digits as tell a tick from its neighbours.
    fn format_ext(&self, value: &f64) -> String {
        let size = self.ticks.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let last = power_of_ten(self.step);
        let plain = if *value == 0.0 {
            "0".to_owned()
        } else if size >= 1e5 || self.step < 1e-3 {
            format!("{value:.*e}", (power_of_ten(*value) - last).max(0) as usize)
        } else {
            format!("{value:.*}", (-last).max(0) as usize)
        };
        plain.replace('-', "\u{2212}")
    }
}

/// The power of ten of a number's leading digit.
fn power_of_ten(value: f64) -> i32 {
    (value.abs().log10() + 1e-9).floor() as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ticks_are_few_distinct_and_inside(
            low in -1e3..1e3_f64, exponent in -8..12_i32, length in 1.0..10.0_f64, wanted in 3..12,
        ) {
            let span = Span::new(low, low + length * 10_f64.powi(exponent));
            let scale = Scale::of(span, wanted, 0.0);
            let slack = 1e-9 * span.low.abs().max(span.high.abs());
            prop_assert!(!scale.ticks.is_empty() && scale.ticks.len() as i32 <= wanted * 3 / 2);
            prop_assert!(scale.ticks.iter().all(|v| *v >= span.low - slack && *v <= span.high + slack));
            let mut labels: Vec<_> = scale.ticks.iter().map(|v| scale.format_ext(v)).collect();
            labels.dedup();
            prop_assert_eq!(labels.len(), scale.ticks.len());
        }
    }
}
