//! What a solve holds beside its states.

use std::ops::Range;

use ad_core::{Element, Result};
use ad_ops::Probes;

use super::lanes::Lanes;
use super::solve::Step;

/// The probes of a batch, by name: a function of the example and the step alone. So a step that is tried again, and one that is taken
/// again on the way back, has the same, and none is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    pub(crate) probes: Probes,
    pub(crate) solve: u32,
    pub(crate) first_example: u32,
    pub(crate) dim: usize,
}

impl Draws {
    /// Fills `rows` with the probes of an example of the batch at one of its steps.
    pub(crate) fn fill(&self, example: usize, step: u32, rows: &mut [f64]) -> Result<()> {
        let example = self.first_example.wrapping_add(example as u32);
        self.probes.fill([self.solve, step], example, self.dim, rows)
    }
}

/// The extras of one block of examples: held during a solve, but for one of them that may be drawn anew for each step.
#[derive(Clone, Debug)]
pub(crate) struct Extras<T> {
    lanes: Vec<Lanes<T>>,
    /// Which of them may be drawn anew, and how it is in this solve.
    renewed: Option<usize>,
    draws: Option<Draws>,
    /// The batch's number of the block's first example.
    first: usize,
    row: Vec<f64>,
}

impl<T: Element> Extras<T> {
    pub(super) fn new(sizes: &[usize], renewed: Option<usize>) -> Self {
        let row = vec![0.0; renewed.map_or(0, |k| sizes[k])];
        let lanes = sizes.iter().map(|&n| Lanes::new(n)).collect();
        Extras { lanes, renewed, draws: None, first: 0, row }
    }

    /// Those of the examples `range` of a batch, whose `rows` are row-major; `draws` replaces one of them from step to step.
    pub(super) fn load(&mut self, rows: &[&[f64]], range: Range<usize>, draws: Option<Draws>) {
        for (lanes, rows) in self.lanes.iter_mut().zip(rows) {
            lanes.load_rows(rows, range.clone());
        }
        (self.first, self.draws) = (range.start, draws);
    }

    /// As they were loaded.
    pub(super) fn held(&self) -> &[Lanes<T>] {
        &self.lanes
    }

    /// As they are for the `steps` of the examples `active`.
    pub(crate) fn at(&mut self, active: &[usize], steps: &[Step]) -> Result<&[Lanes<T>]> {
        if let (Some(extra), Some(draws)) = (self.renewed, self.draws) {
            for (&e, step) in active.iter().zip(steps) {
                draws.fill(self.first + e, step.number, &mut self.row)?;
                self.lanes[extra].set(e, &self.row, T::from_f64);
            }
        }
        Ok(&self.lanes)
    }
}

#[cfg(test)]
mod tests {
    use ad_core::{Elementary, Program, Tape, Workspace};
    use ad_ops::{PROBE, Probe, Renewal};

    use super::*;
    use crate::ode::controller::{Adaptive, Control};
    use crate::ode::tableaus::TSIT5;
    use crate::ode::{Follower, Ode, Outcome, System};

    const EXAMPLES: usize = 5;

    fn draws() -> Draws {
        let probes = Probes { renewal: Renewal::PerStep, ..Probes::new(3, Probe::Gaussian) };
        Draws { probes, solve: 1, first_example: 100, dim: 2 }
    }

    fn steps(numbers: [u32; EXAMPLES]) -> [Step; EXAMPLES] {
        numbers.map(|number| Step { t: 0.0, t_next: 1.0, number })
    }

    /// Examples are each at a step of their own, in any order, and none asks for what another had.
    #[test]
    fn a_draw_depends_on_example_and_step_alone() {
        let mut extras = Extras::<f64>::new(&[1, 2], Some(1));
        let rows = [vec![7.0; 200], vec![0.0; 400]];
        extras.load(&[&rows[0], &rows[1]], 128..200, Some(draws()));
        let all: Vec<usize> = (0..EXAMPLES).collect();
        let at = |extras: &mut Extras<f64>, active: &[usize], steps: &[Step]| {
            extras.at(active, steps).unwrap().iter().map(|x| x.rows_of(EXAMPLES)).collect::<Vec<_>>()
        };
        let first = at(&mut extras, &all, &steps([0; EXAMPLES]));
        let mixed = at(&mut extras, &all, &steps([0, 3, 0, 4, 0]));
        assert_eq!((&first[0], &mixed[0]), (&vec![7.0; EXAMPLES], &vec![7.0; EXAMPLES]), "held");
        let same: Vec<bool> =
            (0..EXAMPLES).map(|e| first[1][2 * e..][..2] == mixed[1][2 * e..][..2]).collect();
        assert_eq!(same, [true, false, true, false, true]);
        assert_eq!(at(&mut extras, &[3, 1], &steps([0; EXAMPLES])[..2]), first);
        let mut own = [0.0; 2];
        draws().fill(128 + 4, 0, &mut own).unwrap();
        assert_eq!(first[1][8..], own);
        extras.load(&[&rows[0], &rows[1]], 0..EXAMPLES, None);
        assert_eq!(
            at(&mut extras, &all, &steps([1; EXAMPLES]))[1],
            vec![0.0; 2 * EXAMPLES],
            "nothing to be drawn"
        );
    }

    /// Writes down the numbers of the steps that each example tries, and whether they were accepted.
    struct Notes(Vec<Vec<(u32, bool)>>);

    impl Follower<f64> for Notes {
        fn stepped(&mut self, active: &[usize], keep: &[bool], steps: &[Step], _: &[Lanes<f64>]) {
            for ((&e, &keep), step) in active.iter().zip(keep).zip(steps) {
                self.0[e].push((step.number, keep));
            }
        }

        fn moved(&mut self, _: &Program<f64>, _: &mut Workspace<f64>) {}
    }

    /// A step that is refused and tried again is the same step, with the same draw; only an accepted one is followed by the next.
    #[test]
    fn a_step_tried_again_keeps_its_number() {
        let tape = Tape::record(|t| {
            let (x, v) = (t.example("x", &[2]), t.example(PROBE, &[2]));
            [("x_dot", (&x * 40.0).sin() * 3.0), ("l_dot", x.dot(&v))]
        });
        let system = System::new(tape.unwrap(), &["x", "l"]).unwrap().renewing(PROBE);
        let control = Adaptive { first_step_divisor: 1.0, ..Adaptive::i(1e-6, 1e-6) };
        let ode = Ode::<f64>::new(&system, &TSIT5, Control::Adaptive(control)).unwrap();
        let (bound, mut memory) = (ode.bind(&[]).unwrap(), ode.take_memory());
        let x: Vec<f64> = (0..2 * EXAMPLES).map(|k| 0.3 * k as f64).collect();
        let count =
            ode.load_block(&mut memory, &[&x, &[0.0; EXAMPLES]], &[&[0.0; 2 * EXAMPLES]], Some(draws()), 0);
        let mut notes = Notes(vec![Vec::new(); EXAMPLES]);
        let statistics = ode.solve_block(&bound, &mut memory, count, [0.0, 1.0], &mut notes).unwrap();
        assert!(statistics.rejected > 0 && memory.outcomes().iter().all(Outcome::is_ok));
        for tried in notes.0 {
            let mut next = 0;
            for (number, accepted) in tried {
                assert_eq!(number, next);
                next += u32::from(accepted);
            }
        }
    }
}
