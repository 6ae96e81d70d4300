//! The candidates for a trace, as tapes, and what they cost.

use std::fmt;

use ad_core::{NodeId, Result, Tape, Tracer, Work};

use super::super::{Ends, record};
use super::cost::{self, MAX_VALUE, Workload};
use super::emit::Emitter;
use super::flatten::flatten;
use super::goal::Goal;
use super::network::Network;
use super::order::{Plan, Planner};
use super::split::Plans;

/// One way to compute what is wanted of a Jacobian. Prints as its name and its cost.
#[derive(Clone, Debug)]
pub struct Route {
    name: String,
    tape: Tape,
    /// How many lines of the tape are the field's.
    field: usize,
    cost: f64,
}

impl Route {
    fn new(name: impl Into<String>, tape: Tape, field: &Tape, workload: Workload) -> Self {
        let cost = cost::tape(&tape, workload) - cost::tape(field, workload);
        Route { name: name.into(), tape, field: field.nodes().len(), cost }
    }

    /// What the route does, in a few words.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tape of the field and what is computed of its Jacobian.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The tape by itself.
    pub fn into_tape(self) -> Tape {
        self.tape
    }

    /// The cost by which routes are compared, in multiply-adds of a matrix product for each example. What is computed once
    /// for each binding counts by its share, and a kernel that is slower than the product of matrices by how much slower
    /// it was measured to be.
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// The operations that are added to those of the field: for each example, and for each binding of the parameters.
    pub fn work(&self) -> [Work; 2] {
        let mut work = [Work::default(); 2];
        for node in &self.tape.nodes()[self.field..] {
            let shared = !node.extents.contains(&ad_core::Extent::Example);
            work[usize::from(shared)] += node.work();
        }
        work
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [example, binding] = self.work();
        write!(
            f,
            "{}: {} multiply-adds an example, {} a binding; cost {:.0}",
            self.name, example.multiply_adds, binding.multiply_adds, self.cost
        )
    }
}

/// The routes that came into question, the cheapest first.
///
/// Prints the cheapest with the lines that it adds to the field's, then the others.
#[derive(Clone, Debug)]
pub struct Routes {
    cheapest: Route,
    others: Vec<Route>,
}

impl Routes {
    /// The one that is taken.
    pub fn cheapest(&self) -> &Route {
        &self.cheapest
    }

    /// The one that is taken, by itself.
    pub fn into_cheapest(self) -> Route {
        self.cheapest
    }

    /// The runners-up, the cheaper first.
    pub fn others(&self) -> &[Route] {
        &self.others
    }

    /// All of them, the cheapest first.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        std::iter::once(&self.cheapest).chain(&self.others)
    }
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Route { tape, field, .. } = &self.cheapest;
        writeln!(f, "{}", self.cheapest)?;
        let text = tape.to_string();
        // What rules are stands between the lines.
        let lines = text.lines().filter(|line| line.starts_with("in ") || line.starts_with('v'));
        let mut added = lines.skip(*field);
        added.try_for_each(|line| writeln!(f, "    {line}"))?;
        self.others.iter().try_for_each(|route| writeln!(f, "{route}"))
    }
}

/// All routes to a goal, an output with a name, that come into question, the cheapest first.
pub(crate) fn routes(
    tape: &Tape,
    ends: &Ends,
    (goal, name): (Goal, &str),
    workload: Workload,
) -> Result<Routes> {
    let mut routes = vec![by_directions(tape, ends, (goal, name), workload)?];
    let linear = Linear::new(tape, ends)?;
    if let Some(network) = flatten(&linear.tape, linear.seed, linear.end) {
        let shape = goal.shape(ends.length);
        for (how, plans) in candidates(&goal.network(&network), &shape, workload) {
            let known = |tape: &Tape| routes.iter().any(|route| route.tape == *tape);
            let planned = linear.with_plans(tape, name, &plans, &shape)?;
            if !known(&planned) {
                routes.push(Route::new(how, planned, tape, workload));
            }
        }
    }
    // Of two at the same cost the planned one is last, and a sort keeps their order.
    routes.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    Ok(Routes { cheapest: routes.remove(0), others: routes })
}

/// All directions at once, or as many at a time as memory allows.
fn by_directions(tape: &Tape, ends: &Ends, (goal, name): (Goal, &str), workload: Workload) -> Result<Route> {
    let d = ends.length;
    let whole = ends.record(tape, name, |t, x, y, d| goal.by_directions(t, x, y, d))?;
    let largest = cost::largest(&whole);
    if largest <= MAX_VALUE || d < 2 {
        return Ok(Route::new(format!("{d} directions"), whole, tape, workload));
    }
    // In blocks the last value is not its diagonal alone.
    let block = ((MAX_VALUE / (largest / d as f64).max(d as f64)) as usize).clamp(1, d - 1);
    let parts = ends.record(tape, name, |t, x, y, d| goal.in_blocks(t, x, y, d, block))?;
    Ok(Route::new(format!("{d} directions, {block} at a time"), parts, tape, workload))
}

/// Plans for a network whose result has this shape, each with a name.
fn candidates(network: &Network, shape: &[usize], workload: Workload) -> Vec<(String, Plans)> {
    let planner = || Planner::new(workload, shape.to_vec());
    let mut found: Vec<(String, Plans)> = Vec::new();
    let named = |name: &str, plans: Option<Plans>| plans.map(|plans| (name.to_owned(), plans));
    let planned = planner().split(network);
    let terms = planned.as_ref().map_or(0, |planned| planned.plans.len());
    let name = if terms > 1 { format!("planned in {terms} terms") } else { "planned".to_owned() };
    found.extend(named(&name, planned));
    found.extend(named("sums kept", planner().kept(network)));
    let limit = found.first().map_or(f64::INFINITY, |(_, planned)| RUNNER_UP * planned.cost);
    found.extend(named("sums multiplied out", planner().multiplied_out(network, limit)));
    let mut pushed: Vec<(usize, Plan)> = Vec::new();
    // A loop may be opened anywhere; what has open axes is none.
    let starts = if shape.is_empty() { network.factors.len() } else { 0 };
    for (width, plan) in (0..starts).filter_map(|k| planner().push_from(network, k)) {
        match pushed.iter_mut().find(|(w, _)| *w == width) {
            Some((_, best)) if best.cost <= plan.cost => {}
            Some((_, best)) => *best = plan,
            None => pushed.push((width, plan)),
        }
    }
    pushed.sort_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost));
    let cuts = pushed.into_iter().take(3);
    found.extend(cuts.map(|(width, plan)| (format!("pushed through a cut of {width}"), Plans::from(plan))));
    let bounded = found.into_iter().map(|(name, plans)| (name, planner().within_memory(plans)));
    bounded.filter(|(_, plans)| plans.cost.is_finite()).collect()
}

/// Sums are not multiplied out for show where that is so many times as dear as what is planned.
const RUNNER_UP: f64 = 4.0;

/// The lines of a field, and those of its derivative along one direction.
struct Linear {
    tape: Tape,
    seed: NodeId,
    end: NodeId,
}

impl Linear {
    fn new(tape: &Tape, ends: &Ends) -> Result<Linear> {
        let mut name = "direction".to_owned();
        while tape.inputs().iter().any(|(taken, _)| *taken == name) {
            name.push('_');
        }
        let linear = Tape::record(|t| {
            let inputs = t.inputs_like(tape);
            let direction = t.shared(&name, &[ends.length]);
            let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
            let (x, y) = (&inputs[ends.input], &outputs[ends.output]);
            let tangent = t.push_forward(&[(x, &direction)], &[y]).remove(0);
            [("tangent", tangent)]
        })?;
        Ok(Linear { seed: linear.input(&name)?, end: linear.output("tangent")?, tape: linear })
    }

    /// The tape of the field with what plans compute.
    fn with_plans(&self, tape: &Tape, name: &str, plans: &Plans, shape: &[usize]) -> Result<Tape> {
        record(tape, name, |t, inputs, _| {
            let direction = t.full(&self.tape.node(self.seed).shape(), 0.0);
            let given: Vec<&Tracer> = inputs.iter().chain([&direction]).collect();
            let lines = t.inline_lines(&self.tape, &given);
            Emitter { recorder: t, lines: &lines }.sum(&plans.plans, shape, None)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cost::MAX_VALUE;
    use super::*;
    use ad_core::Elementary;

    /// Layers of these widths with tanh between them, each added to what it is given where the widths allow it.
    fn field(d: usize, hidden: &[usize]) -> Tape {
        let tape = Tape::record(|t| {
            let x = t.example("x", &[d]);
            let layer = |x: Tracer, (k, &to): (usize, &usize)| {
                let y = x.matmul(&t.shared(&format!("w{k}"), &[x.shape()[0], to])).tanh();
                if y.shape() == x.shape() { y + x } else { y }
            };
            let last = hidden.iter().chain([&d]).enumerate().fold(x, layer);
            [("x_dot", last)]
        });
        tape.unwrap()
    }

    fn ends(field: &Tape) -> Ends {
        Ends::find(field, "x", "x_dot").unwrap()
    }

    /// Of all places at which a loop may be opened, the cheapest for each width.
    #[test]
    fn cuts_are_the_cheapest_of_their_width() {
        for hidden in [&[6, 6][..], &[3, 9, 3], &[9, 4, 9, 4]] {
            let field = field(5, hidden);
            let linear = Linear::new(&field, &ends(&field)).unwrap();
            let network = Goal::Trace.network(&flatten(&linear.tape, linear.seed, linear.end).unwrap());
            let workload = Workload::default();
            let found = candidates(&network, &[], workload);
            let mut cuts = 0;
            for start in 0..network.factors.len() {
                let pushed = Planner::new(workload, Vec::new()).push_from(&network, start);
                let Some((width, plan)) = pushed else { continue };
                let name = format!("pushed through a cut of {width}");
                for (_, plans) in found.iter().filter(|(own, _)| *own == name) {
                    assert!(plans.cost <= plan.cost, "{} of {}", plans.cost, plan.cost);
                    cuts += 1;
                }
            }
            assert!(cuts >= network.factors.len().min(3), "{cuts}");
        }
    }

    /// Names tell in how many terms a sum is planned; the runners-up are all but the first.
    #[test]
    fn routes_tell_what_they_are() {
        let routes =
            |field: &Tape| routes(field, &ends(field), (Goal::Trace, "trace"), Workload::default()).unwrap();
        let (plain, sum) = (routes(&field(8, &[9, 10])), routes(&field(8, &[8])));
        assert!(plain.iter().any(|route| route.name() == "planned"));
        assert!(sum.iter().any(|route| route.name() == "planned in 4 terms"), "{sum}");
        let names = |routes: &[&Route]| routes.iter().map(|r| r.name().to_owned()).collect::<Vec<_>>();
        let all: Vec<&Route> = sum.iter().collect();
        assert_eq!(names(&all[1..]), names(&sum.others().iter().collect::<Vec<_>>()));
    }

    /// Directions are pushed in blocks where all at once would be too large a value, whatever is the widest.
    #[test]
    fn directions_stay_within_memory() {
        for (d, width) in [(1, 70_000), (2, 40_000), (300, 600), (600, 300)] {
            let field = field(d, &[width]);
            let route =
                by_directions(&field, &ends(&field), (Goal::Trace, "trace"), Workload::default()).unwrap();
            assert!(
                d == 1 || cost::largest(route.tape()) <= MAX_VALUE,
                "{d}, {width}: {}",
                cost::largest(route.tape())
            );
        }
    }
}
