use super::DataError;
use ad_ops::random::Purpose;
use rand::seq::SliceRandom;

/// What part of the rows is kept from training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    /// Rows that decide when to stop, in [0, 1).
    pub valid: f64,
    /// Rows that judge the result, in [0, 1).
    pub test: f64,
}

/// Row numbers in random order, each row in exactly one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to train on, at least one.
    pub train: Vec<usize>,
    /// Rows to validate on.
    pub valid: Vec<usize>,
    /// Rows to test on.
    pub test: Vec<usize>,
}

/// Deals the rows `0..rows` at random into three parts; the same seed deals the same.
///
/// A part has `fraction * rows` rows, rounded, and at least one unless its fraction is 0.
///
/// # Errors
///
/// [`DataError::Fractions`] if a fraction is negative or no number, or if nothing is left to train on.
pub fn split(rows: usize, fractions: Fractions, seed: u64) -> Result<Split, DataError> {
    let Fractions { valid, test } = fractions;
    let error = DataError::Fractions { rows, valid, test };
    let size = |fraction: f64| match fraction {
        0.0 => Some(0),
        _ if fraction > 0.0 && fraction < 1.0 => Some(((fraction * rows as f64).round() as usize).max(1)),
        _ => None,
    };
    let (Some(valid), Some(test)) = (size(valid), size(test)) else { return Err(error) };
    if valid + test >= rows {
        return Err(error);
    }
    let mut train: Vec<usize> = (0..rows).collect();
    train.shuffle(&mut Purpose::Split.stream(seed, 0, 0));
    let valid = train.split_off(rows - valid);
    let test = train.split_off(train.len() - test);
    Ok(Split { train, valid, test })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_in_one_part(rows in 3usize..3000, valid in 0.0..0.4, test in 0.0..0.4, seed: u64) {
            let parts = split(rows, Fractions { valid, test }, seed).unwrap();
            let near = |part: &[usize], fraction: f64| {
                part.len() == 1 && fraction > 0.0 || (part.len() as f64 - fraction * rows as f64).abs() <= 0.5
            };
            prop_assert!(near(&parts.valid, valid) && near(&parts.test, test));
            let mut all = [&parts.train[..], &parts.valid, &parts.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..rows).collect::<Vec<_>>());
            prop_assert_eq!(&parts, &split(rows, Fractions { valid, test }, seed).unwrap());
        }

        #[test]
        fn other_seeds_deal_otherwise(seed: u64) {
            let deal = |seed| split(100, Fractions { valid: 0.1, test: 0.1 }, seed).unwrap();
            prop_assert_ne!(deal(seed), deal(seed.wrapping_add(1)));
        }
    }

    #[test]
    fn impossible_fractions() {
        for (rows, valid, test) in [
            (10, -0.1, 0.1),
            (10, 0.5, 0.5),
            (10, f64::NAN, 0.1),
            (10, 1.0, 0.0),
            (0, 0.0, 0.0),
            (2, 0.1, 0.1),
        ] {
            assert!(split(rows, Fractions { valid, test }, 1).is_err(), "{rows} {valid} {test}");
        }
    }
}
