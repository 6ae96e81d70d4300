use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::span::Span;

/// An axis with round numbers along it.
///
/// The library's own choice of ticks compares with absolute tolerances, which fails on very long and very short
/// axes; this one is relative, so that data of any size can be drawn.
pub(super) struct Scale {
    span: Span,
    ticks: Vec<f64>,
    step: f64,
}

impl Scale {
    /// The most ticks up to about `most` whose labels fit along `length` pixels, `least` or further apart in value;
    /// `room` gives the pixels a label needs.
    pub(super) fn fitting(span: Span, most: i32, length: i32, least: f64, room: impl Fn(&str) -> i32) -> Self {
        let fits = |scale: &Self| {
            let spacing = f64::from(length) * scale.step / span.length();
            scale.ticks.iter().all(|t| f64::from(room(&scale.format_ext(t))) <= spacing)
        };
        let of = |wanted| Self::of(span, wanted, least);
        (2..=most).rev().map(of).find(fits).unwrap_or_else(|| of(2))
    }

    /// About `wanted` ticks, at most half as many again, at multiples of 1, 2 or 5 times a power of ten.
    fn of(span: Span, wanted: i32, least: f64) -> Self {
        let rough = (0.75 * span.length() / f64::from(wanted)).max(least);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
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
        let digits = |above: f64| (above - self.step.log10() + 1e-9).floor().clamp(0.0, 17.0) as usize;
        let plain = if *value == 0.0 {
            "0".to_owned()
        } else if size >= 1e5 || self.step < 1e-3 {
            format!("{value:.*e}", digits(value.abs().log10().floor()))
        } else {
            format!("{value:.*}", digits(0.999_999))
        };
        plain.replace('-', "\u{2212}")
    }
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
