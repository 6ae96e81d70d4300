//! Arguments: bit patterns, evenly and by chance, and neighbours of hard places.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, LN_2, SQRT_2};

use ad_core::Element;
use ad_ops::random::Stream;

/// A float as bits.
pub(crate) trait Bits: Element {
    const NAME: &'static str;
    fn bits(self) -> u64;
    fn of_bits(bits: u64) -> Self;
}

macro_rules! bits {
    ($($float:ident $bits:ident)*) => {$(
        impl Bits for $float {
            const NAME: &'static str = stringify!($float);
            fn bits(self) -> u64 { self.to_bits().into() }
            fn of_bits(bits: u64) -> Self { Self::from_bits(bits as $bits) }
        }
    )*};
}
bits!(f32 u32 f64 u64);

/// Ends of overflow, underflow and saturation, seams of polynomials and of argument reductions, in either type.
const PLACES: [f64; 34] = [
    1e-45,
    1.2e-38,
    2.3e-308,
    1e-300,
    0.999_999_97,
    3e-9,
    1.5e-8,
    5.6e-17,
    2.2e-16,
    6e-8,
    1.2e-7,
    FRAC_1_SQRT_2,
    1.0,
    SQRT_2,
    2.0,
    20.0,
    40.0,
    87.336_54,
    88.722_84,
    89.415_99,
    103.972_08,
    104.0,
    708.396,
    709.782_712_893_384,
    710.475_860_073_943_9,
    745.133_219_101_941_1,
    746.0,
    32768.0,
    1_048_576.0,
    268_435_456.0,
    1.7e38,
    3.4e38,
    8.9e307,
    1.79e308,
];

/// The neighbours of [`PLACES`], of multiples of `ln(2)/2` and of `pi/2`, with both signs.
pub(crate) fn hard<T: Bits>() -> Vec<T> {
    let multiples = (1..2100).map(|n| (f64::from(n) * LN_2 / 2.0, 8));
    let mut stream = Stream::new(1, [0; 3]);
    let far = (0..16384).map(|_| (stream.uniform() * 700_000.0).ceil());
    let quarters = (1..4096).map(f64::from).chain(far).map(|n| (n * FRAC_PI_2, 3));
    let places = PLACES.iter().map(|&place| (place, 300));
    let around = |(place, width): (f64, i64)| {
        let middle = T::from_f64(place).bits();
        (-width..=width).map(move |k| T::of_bits(middle.saturating_add_signed(k)))
    };
    places
        .chain(multiples)
        .chain(quarters)
        .flat_map(around)
        .filter(|x| x.is_finite())
        .flat_map(|x| [x, -x])
        .collect()
}

/// `n` numbers: half of them of any exponent, half between `2^-14` and `2^11`, where functions bend; mantissas by chance.
pub(crate) fn spread(n: usize) -> Vec<f64> {
    let mut stream = Stream::new(2, [0; 3]);
    let mut below = |n: u64| (stream.uniform() * n as f64) as u64;
    (0..n)
        .map(|i| {
            let exponent = if i % 2 == 0 { below(2047) } else { 1023 - 14 + below(25) };
            f64::from_bits((below(2) << 63) | (exponent << 52) | below(1 << 52))
        })
        .collect()
}
