//! A `tanh` that compilers vectorise, for the loops by hand. It is right to a few units in the last place of 1, which is
//! what such loops content themselves with; `ad-core` has one that is right near 0 too.

use std::f64::consts::LN_2;

/// Floats that have it.
pub(crate) trait FastTanh: Copy {
    /// `tanh x`.
    fn fast_tanh(self) -> Self;
}

/// `ln(2)^k / k!`: the series of `2^r`.
const fn series<const N: usize>() -> [f64; N] {
    let mut c = [1.0; N];
    let mut k = 1;
    while k < N {
        c[k] = c[k - 1] * LN_2 / k as f64;
        k += 1;
    }
    c
}

macro_rules! fast_tanh {
    ($float:ty, $bits:ty, $terms:literal, $saturated:literal) => {
        impl FastTanh for $float {
            #[inline(always)]
            fn fast_tanh(self) -> Self {
                const SERIES: [f64; $terms] = series();
                const MANTISSA: u32 = <$float>::MANTISSA_DIGITS - 1;
                // Adding it rounds to an integer, and leaves that in the low bits.
                const ROUND: $float = 1.5 * (1_u64 << MANTISSA) as $float;
                let x = if self > $saturated { $saturated } else { self };
                let x = if x < -$saturated { -$saturated } else { x };
                // e^2x = 2^n 2^r
                let t = x * (2.0 * std::f64::consts::LOG2_E) as $float;
                let shifted = t + ROUND;
                let r = t - (shifted - ROUND);
                let mut y = SERIES[$terms - 1] as $float;
                for k in (0..$terms - 1).rev() {
                    y = y.mul_add(r, SERIES[k] as $float);
                }
                let one = (1.0 as $float).to_bits();
                let power = <$float>::from_bits((shifted.to_bits() << MANTISSA).wrapping_add(one));
                let y = y * power;
                (y - 1.0) / (y + 1.0)
            }
        }
    };
}
fast_tanh!(f32, u32, 7, 10.0);
fast_tanh!(f64, u64, 13, 20.0);
