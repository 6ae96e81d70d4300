//! What a divergence costs against the dimension.

use std::time::{Duration, Instant};

use ad_ops::random::Purpose;
use ad_ops::{Estimator, Workload, divergence};
use flows::layer::{Activation, mlp_field};
use flows::{Parameters, STATE};

use crate::Result;
use crate::chart::{Chart, Line};
use crate::page::Section;

const DIMS: [usize; 5] = [2, 8, 32, 128, 512];
const BATCH: usize = 256;
/// Of timing, for each number.
const BUDGET: Duration = Duration::from_millis(60);

/// Section 6.
pub(crate) fn section() -> Result<Section> {
    let exact = Estimator::ExactFor(Workload { examples: BATCH, evaluations: 1 });
    let ways = [
        ("exact", exact),
        ("one probe", Estimator::Hutchinson { probes: 1 }),
        ("all directions", Estimator::Directions),
    ];
    let mut lines: Vec<Line> = ways.iter().map(|(name, _)| Line::new(name, [])).collect();
    let mut rows = Vec::new();
    for d in DIMS {
        let times: Vec<f64> = ways.iter().map(|&(_, way)| microseconds(d, way)).collect::<Result<_>>()?;
        let cells = times.iter().map(|time| format!("{time:.2}"));
        rows.push(
            std::iter::once(d.to_string())
                .chain(cells)
                .chain([format!("{:.2}", times[0] / times[1])])
                .collect(),
        );
        lines.iter_mut().zip(&times).for_each(|(line, &time)| line.points.push([d as f64, time]));
    }
    let text = vec![format!(
        "A field with two hidden layers of 64, a batch of {BATCH}, f32, microseconds an example; parameters are new in each call. \
         All directions cost d products, which is why the notebook estimates. But a trace is a sum of products, and in the \
         cheapest order the exact one is flat too: less than one probe."
    )];
    let chart = Chart { x: "dimension", y: "us an example", log: [true; 2], lines };
    let head = vec!["d", "exact", "one probe", "all directions", "exact / probe"];
    Ok(Section { title: "The cost against the dimension", text, head, rows, charts: vec![chart] })
}

/// The least time of some calls, for one example.
fn microseconds(d: usize, way: Estimator) -> Result<f64> {
    let field = mlp_field(d, 0, &[64, 64], Activation::Tanh)?;
    let parameters = Parameters::init(field.declarations(), d as u64).cast::<f32>();
    let shared: Vec<&[f32]> = parameters.iter().map(|a| &a[..]).collect();
    let program = divergence(field.tape(), STATE, "x_dot", way)?.compile::<f32>()?;
    let mut stream = Purpose::Data.stream(6, d as u32, 0);
    let ports = program.inputs().iter().filter(|port| port.has_example());
    let own: Vec<Vec<f32>> =
        ports.map(|port| (0..BATCH * port.size()).map(|_| stream.sign() as f32 * 0.5).collect()).collect();
    let own: Vec<&[f32]> = own.iter().map(|x| &x[..]).collect();
    let mut runner = program.into_runner();
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    for call in 0.. {
        if call >= 3 && begin.elapsed() > BUDGET {
            break;
        }
        let start = Instant::now();
        runner.bind(&shared)?;
        runner.run(BATCH, &own)?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least / BATCH as f64 * 1e6)
}
