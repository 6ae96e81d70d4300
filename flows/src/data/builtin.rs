use super::shape::{self, Shape};
use super::{DataError, Density, Table, checkerboard, pinwheel, warp};
use ad_ops::random::{Purpose, Stream};

/// A distribution to learn whose density and entropy are known.
///
/// The sets in the plane are those of the FFJORD paper (Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud,
/// 2019).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Two half circles that reach into each other.
    Moons,
    /// Eight Gaussians on a circle.
    EightGaussians,
    /// Two concentric circles.
    Circles,
    /// Four concentric circles, thinner.
    Rings,
    /// Every second square of a board, with hard edges.
    Checkerboard,
    /// Two spirals that wind around each other.
    TwoSpirals,
    /// Five twisted arms.
    Pinwheel,
    /// One wide spiral.
    SwissRoll,
    /// Six dimensions: each coordinate of a standard normal point bent by `z + 0.6 sin 2z`, then all turned
    /// by a fixed orthogonal matrix.
    Warp6,
}

/// How the rows of a set are made.
pub(super) enum Recipe {
    Shape(Shape),
    Checkerboard,
    Pinwheel,
    Warp(Box<warp::Matrix>),
}

impl Builtin {
    /// All sets.
    pub const ALL: [Self; 9] = [
        Self::Moons,
        Self::EightGaussians,
        Self::Circles,
        Self::Rings,
        Self::Checkerboard,
        Self::TwoSpirals,
        Self::Pinwheel,
        Self::SwissRoll,
        Self::Warp6,
    ];

    /// The set that is called `name`.
    ///
    /// # Errors
    ///
    /// [`DataError::UnknownName`], which lists the names.
    pub fn parse(name: &str) -> Result<Self, DataError> {
        let named = Self::ALL.into_iter().find(|set| set.name() == name);
        named.ok_or_else(|| DataError::UnknownName { name: name.to_string() })
    }

    /// The name under which the set is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Moons => "moons",
            Self::EightGaussians => "8gaussians",
            Self::Circles => "circles",
            Self::Rings => "rings",
            Self::Checkerboard => "checkerboard",
            Self::TwoSpirals => "2spirals",
            Self::Pinwheel => "pinwheel",
            Self::SwissRoll => "swissroll",
            Self::Warp6 => "warp6",
        }
    }

    /// The number of columns.
    pub fn dims(self) -> usize {
        if self == Self::Warp6 { warp::DIMS } else { 2 }
    }

    /// The number of rows that are enough to train on.
    pub fn default_rows(self) -> usize {
        10_000
    }

    /// The differential entropy in nats: no density has a smaller expected negative log-likelihood.
    ///
    /// In the units of the data, good to 1e-4: `ln 32` for the checkerboard, for the others a quadrature of
    /// the exact density. Warp6 with its columns scaled to deviation 1 has 3.9716.
    pub fn entropy_floor(self) -> f64 {
        match self {
            Self::Moons => 2.3939,
            Self::EightGaussians => 2.8319,
            Self::Circles => 3.2681,
            Self::Rings => 2.6232,
            Self::Checkerboard => 5.0 * std::f64::consts::LN_2,
            Self::TwoSpirals => 2.6455,
            Self::Pinwheel => 2.3178,
            Self::SwissRoll => 2.6696,
            Self::Warp6 => 5.1975,
        }
    }

    /// The exact density.
    pub fn density(self) -> Density {
        Density::new(self.recipe())
    }

    /// `rows` independent rows, with the columns `x1`, `x2`, ...
    ///
    /// Row i depends on the seed, the purpose and i alone: fewer rows are the first of more rows, and rows
    /// for [`Purpose::Data`] and for [`Purpose::FreshData`] are independent.
    pub fn sample(self, rows: usize, seed: u64, purpose: Purpose) -> Table {
        let recipe = self.recipe();
        let mut values = Vec::with_capacity(rows * self.dims());
        for row in 0..rows as u64 {
            // The number of the row is spread over two words: there is no last row.
            let mut stream = purpose.stream(seed, (row >> 32) as u32, row as u32);
            recipe.push_row(&mut stream, &mut values);
        }
        Table::whole(Table::default_names(self.dims()), values)
    }

    fn recipe(self) -> Recipe {
        match self {
            Self::Moons => Recipe::Shape(shape::MOONS),
            Self::EightGaussians => Recipe::Shape(shape::EIGHT_GAUSSIANS),
            Self::Circles => Recipe::Shape(shape::CIRCLES),
            Self::Rings => Recipe::Shape(shape::RINGS),
            Self::TwoSpirals => Recipe::Shape(shape::TWO_SPIRALS),
            Self::SwissRoll => Recipe::Shape(shape::SWISS_ROLL),
            Self::Checkerboard => Recipe::Checkerboard,
            Self::Pinwheel => Recipe::Pinwheel,
            Self::Warp6 => Recipe::Warp(Box::new(warp::orthogonal())),
        }
    }
}

impl Recipe {
    fn push_row(&self, stream: &mut Stream, values: &mut Vec<f64>) {
        match self {
            Self::Shape(shape) => values.extend(shape.sample(stream)),
            Self::Checkerboard => values.extend(checkerboard::sample(stream)),
            Self::Pinwheel => values.extend(pinwheel::sample(stream)),
            Self::Warp(matrix) => values.extend(warp::sample(matrix, stream)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_sets() {
        for set in Builtin::ALL {
            assert_eq!(Builtin::parse(set.name()).unwrap(), set);
        }
        assert_eq!(
            Builtin::parse("moon").unwrap_err().to_string(),
            "`moon` is no built-in set; give one of moons, 8gaussians, circles, rings, checkerboard, 2spirals, \
             pinwheel, swissroll, warp6, or the path of a CSV file."
        );
    }

    #[test]
    fn rows_depend_on_seed_purpose_and_number_alone() {
        for set in Builtin::ALL {
            let rows = set.sample(50, 3, Purpose::Data);
            assert_eq!((rows.rows(), rows.columns()), (50, set.dims()));
            assert_eq!(set.sample(20, 3, Purpose::Data).values(), &rows.values()[..20 * set.dims()]);
            let others = [set.sample(50, 4, Purpose::Data), set.sample(50, 3, Purpose::FreshData)];
            for other in others {
                assert!(rows.values().iter().zip(other.values()).all(|(a, b)| a != b));
            }
        }
    }
}
