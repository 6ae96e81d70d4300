use super::TrainError;

/// Points to learn, row-major, each with its context where the model wants one.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    points: Vec<f64>,
    dims: usize,
    contexts: Vec<f64>,
    context: usize,
    numbers: Vec<u64>,
}

impl Examples {
    /// Points of `dims` numbers each, without contexts.
    ///
    /// # Errors
    /// [`TrainError::Ragged`] where they are no whole points.
    pub fn new(dims: usize, points: Vec<f64>) -> Result<Self, TrainError> {
        let count = whole("points", points.len(), dims)? as u64;
        Ok(Self { points, dims, contexts: Vec::new(), context: 0, numbers: (0..count).collect() })
    }

    /// The same points with contexts of `context` numbers each.
    ///
    /// # Errors
    /// [`TrainError::Ragged`] where they are no whole contexts, [`TrainError::Contexts`] where they are not as many as
    /// there are points.
    pub fn with_contexts(self, context: usize, contexts: Vec<f64>) -> Result<Self, TrainError> {
        let count = whole("contexts", contexts.len(), context)?;
        if count != self.len() {
            return Err(TrainError::Contexts { contexts: count, points: self.len() });
        }
        Ok(Self { contexts, context, ..self })
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.points.len() / self.dims
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// All points, row-major.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// All contexts, row-major; empty where there are none.
    pub fn contexts(&self) -> &[f64] {
        &self.contexts
    }

    /// The number that each example was given when it was made: its place among all, also after [`Examples::select`].
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// The examples at these places, in that order.
    ///
    /// # Panics
    /// As a slice does, where there is no such example.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let pick = |values: &[f64], length: usize| {
            places.iter().flat_map(|&n| &values[n * length..][..length]).copied().collect()
        };
        let (points, contexts) = (pick(&self.points, self.dims), pick(&self.contexts, self.context));
        Self { points, contexts, numbers: places.iter().map(|&n| self.numbers[n]).collect(), ..*self }
    }
}

/// How many rows of `length` numbers `values` numbers are.
fn whole(what: &'static str, values: usize, length: usize) -> Result<usize, TrainError> {
    if length > 0 && values.is_multiple_of(length) {
        return Ok(values / length);
    }
    Err(TrainError::Ragged { what, values, length })
}
