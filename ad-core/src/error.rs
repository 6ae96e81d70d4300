//! What can go wrong, said in full sentences that name the place, the shapes and the cure.

use alloc::string::String;
use core::fmt;
use core::panic::Location;

/// The result of everything in this crate that can fail.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a recording, a transform, a compilation or a call was refused.
///
/// The kind is private; `Display` says what was wrong, where in the user's code, and what would be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    message: String,
    place: Option<&'static Location<'static>>,
}

impl Error {
    /// An error with its full text.
    pub fn new(message: impl Into<String>) -> Self {
        Error { message: message.into(), place: None }
    }

    /// The same error, blamed on a line of the user's code.
    #[must_use]
    pub fn at(mut self, place: &'static Location<'static>) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// The line of the user's code that is to blame, where it is known.
    pub fn place(&self) -> Option<&'static Location<'static>> {
        self.place
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{}:{}: ", place.file(), place.line())?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}
