//! What the vectorised elementary functions need of a float: its bits and its constants.

use pulp::Simd;

use super::simd::{Lane, Vector};

/// A float with the constants of its elementary functions.
///
/// Polynomials are minimax fits by Remez exchange, constant term first. Integers `n` appear as `ROUND + n`, with `n`
/// in the low bits.
pub trait Real: Lane {
    /// `1.5 * 2^p` for mantissas of `p` bits: adding it rounds to an integer and leaves that in the low bits.
    const ROUND: Self;
    /// The smallest number above 0.
    const SMALLEST: Self;
    /// Below this size `sin x`, `e^x - 1` and `ln(1 + x)` round to `x` or its neighbour.
    const EPSILON: Self;
    /// An `x` such that `e^x` overflows.
    const EXP_OVERFLOW: Self;
    /// An `x` such that `e^x` rounds to 0.
    const EXP_UNDERFLOW: Self;
    /// An `x` such that `e^-x` is nothing beside 1.
    const SATURATED: Self;
    /// Whether `tanh` exceeds 2.5 units in the last place unless its roundings are damped: over all `f32` it has 2.42, in
    /// `f64` 2.59.
    const DAMPED: bool;
    /// The limit of the argument reduction of `sin` and `cos`.
    const TRIG_LIMIT: Self;
    /// `ln 2`, first in so few bits that its product with an exponent is exact, then the rest.
    const LN_2: [Self; 2];
    /// `pi / 2` in three parts, each the rounded rest of those before.
    const PI_2: [Self; 3];
    /// `(e^r - 1 - r) / r^2` for `|r| <= ln(2) / 2`.
    const EXP: &'static [Self];
    /// `(2 atanh(s) / s - 2) / s^2`, in `s^2`, for `|s| <= 3 - 2 sqrt 2`.
    const LN: &'static [Self];
    /// `(sin(r) / r - 1) / r^2`, in `r^2`, for `|r| <= pi / 4`.
    const SIN: &'static [Self];
    /// `(cos(r) - 1 + r^2 / 2) / r^4`, in `r^2`, for `|r| <= pi / 4`.
    const COS: &'static [Self];

    /// The nearest number to `x`.
    fn of(x: f64) -> Self;
    /// `2^n`, a normal number, given `ROUND + n`.
    fn power_of_two(rounded: Self) -> Self;
    /// `ROUND + floor(n / 2)`, given `ROUND + n`.
    fn half(rounded: Self) -> Self;
    /// A number other than 0 whose sign is the last bit of `n`, given `ROUND + n`.
    fn last_bit_as_sign(rounded: Self) -> Self;
    /// A number other than 0 whose sign is the last bit but one of `n`, given `ROUND + n`.
    fn next_bit_as_sign(rounded: Self) -> Self;
    /// `ROUND + k`, where `x = m 2^k` with `m` in `[sqrt(1/2), sqrt(2))`, for a positive normal `x`.
    fn exponent(x: Self) -> Self;
    /// The `m` of [`exponent`](Self::exponent).
    fn mantissa(x: Self) -> Self;
}

macro_rules! lanewise {
    ($($name:ident),*) => {
        /// The operations on bits, lane by lane: loops that the compiler turns into one instruction or two.
        impl<S: Simd, T: Real> Vector<S, T> {$(
            #[inline(always)]
            pub(super) fn $name(mut self) -> Self {
                for lane in self.lanes() {
                    *lane = T::$name(*lane);
                }
                self
            }
        )*}
    };
}
lanewise!(power_of_two, half, last_bit_as_sign, next_bit_as_sign, exponent, mantissa);

/// The split of a float at `sqrt(1/2)`.
trait Mantissa: Sized {
    type Bits;
    /// The bits of `sqrt(1/2)`.
    const LEAST: Self::Bits;
    /// The bits of `x`, moved so that the exponent counts from `sqrt(1/2)`, and the mantissa too.
    fn lifted(x: Self) -> Self::Bits;
}

macro_rules! real {
    ($float:ident, $bits:ident { $($constant:ident: $type:ty = $value:expr;)* }) => {
        impl Mantissa for $float {
            type Bits = $bits;
            const LEAST: $bits = std::$float::consts::FRAC_1_SQRT_2.to_bits();
            #[inline(always)]
            fn lifted(x: Self) -> $bits {
                x.to_bits().wrapping_add((1.0 as $float).to_bits() - Self::LEAST)
            }
        }

        impl Real for $float {
            const ROUND: Self = 1.5 * ((1_u64 << ($float::MANTISSA_DIGITS - 1)) as $float);
            const SMALLEST: Self = $float::from_bits(1);
            $(const $constant: $type = $value;)*

            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $float
            }
            #[inline(always)]
            fn power_of_two(rounded: Self) -> Self {
                const BIAS: $bits = $float::MAX_EXP as $bits - 1;
                $float::from_bits(rounded.to_bits().wrapping_add(BIAS) << ($float::MANTISSA_DIGITS - 1))
            }
            #[inline(always)]
            fn half(rounded: Self) -> Self {
                const REST: $bits = $float::ROUND.to_bits() - ($float::ROUND.to_bits() >> 1);
                $float::from_bits((rounded.to_bits() >> 1).wrapping_add(REST))
            }
            #[inline(always)]
            fn last_bit_as_sign(rounded: Self) -> Self {
                $float::from_bits((rounded.to_bits() << ($bits::BITS - 1)) | (1.0 as $float).to_bits())
            }
            #[inline(always)]
            fn next_bit_as_sign(rounded: Self) -> Self {
                $float::from_bits((rounded.to_bits() << ($bits::BITS - 2)) | (1.0 as $float).to_bits())
            }
            #[inline(always)]
            fn exponent(x: Self) -> Self {
                const BIASED: $bits = $float::ROUND.to_bits() - ($float::MAX_EXP as $bits - 1);
                $float::from_bits((Self::lifted(x) >> ($float::MANTISSA_DIGITS - 1)).wrapping_add(BIASED))
            }
            #[inline(always)]
            fn mantissa(x: Self) -> Self {
                const MASK: $bits = (1 << ($float::MANTISSA_DIGITS - 1)) - 1;
                $float::from_bits((Self::lifted(x) & MASK).wrapping_add(Self::LEAST))
            }
        }
    };
}

real!(f32, u32 {
    EPSILON: f32 = f32::EPSILON / 4.0;
    EXP_OVERFLOW: f32 = 89.0;
    EXP_UNDERFLOW: f32 = -105.0;
    SATURATED: f32 = 20.0;
    DAMPED: bool = false;
    TRIG_LIMIT: f32 = 32768.0;
    LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
    PI_2: [f32; 3] = [std::f32::consts::FRAC_PI_2, -4.371_139e-8, -1.715_124_5e-15];
    EXP: &'static [f32] = &[0.5, 0.166_666_66, 0.041_666_36, 0.008_333_39, 0.001_394_066_8, 0.000_198_458_7];
    LN: &'static [f32] = &[0.666_667_76, 0.399_774_94, 0.298_730_94];
    SIN: &'static [f32] = &[-0.166_666_55, 0.008_332_176, -0.000_195_169_78];
    COS: &'static [f32] = &[0.041_666_646, -0.001_388_736_4, 2.443_809_2e-5];
});

real!(f64, u64 {
    EPSILON: f64 = f64::EPSILON / 4.0;
    EXP_OVERFLOW: f64 = 710.0;
    EXP_UNDERFLOW: f64 = -746.0;
    SATURATED: f64 = 40.0;
    DAMPED: bool = true;
    TRIG_LIMIT: f64 = 1_048_576.0;
    LN_2: [f64; 2] = [0.693_147_180_560_117_7, -1.723_944_452_561_483_5e-13];
    PI_2: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17, -1.497_384_904_859_169_8e-33];
    EXP: &'static [f64] = &[
        0.5, 0.166_666_666_666_666_77, 0.041_666_666_666_666_505, 0.008_333_333_333_321_653,
        0.001_388_888_888_896_262_8, 0.000_198_412_698_860_734, 2.480_158_717_218_898_5e-5,
        2.755_724_425_428_918_6e-6, 2.755_740_280_822_206_7e-7, 2.510_902_442_309_110_2e-8,
        2.087_531_936_309_215e-9,
    ];
    LN: &'static [f64] = &[
        0.666_666_666_666_673_5, 0.399_999_999_994_111, 0.285_714_287_432_618, 0.222_221_984_760_580_9,
        0.181_835_697_364_465_45, 0.153_139_033_251_460_28, 0.147_975_070_132_037_67,
    ];
    SIN: &'static [f64] = &[
        -0.166_666_666_666_666_32, 0.008_333_333_333_322_37, -0.000_198_412_698_297_713_2,
        2.755_731_367_870_642e-6, -2.505_075_596_665_037_3e-8, 1.589_666_676_703_887_2e-10,
    ];
    COS: &'static [f64] = &[
        0.041_666_666_666_666_6, -0.001_388_888_888_887_406_4, 2.480_158_728_944_350_5e-5,
        -2.755_731_434_065_069_3e-7, 2.087_572_162_084_682e-9, -1.135_955_911_391_797_4e-11,
    ];
});
