use std::f64::consts::TAU;

use proptest::prelude::*;

use super::rows::chosen;
use super::*;

/// A report of `dims` columns with everything in it, from a plain deterministic sequence.
fn full(dims: usize, rows: usize) -> Report {
    let wave = |k: usize, phase: f64| (k as f64 * 0.7 + phase).sin() + (k as f64 * 0.013).cos();
    let points = |phase: f64| (0..rows * dims).map(|k| wave(k, phase)).collect::<Vec<_>>();
    let data = points(0.0);
    let density = (dims <= 2).then(|| {
        let normal = |x: &[f64]| x.iter().map(|v| -0.5 * (v * v + TAU.ln())).sum::<f64>();
        Density::over(&data, dims, 64, |centres| {
            Ok::<_, ReportError>(centres.chunks(dims).map(normal).collect())
        })
        .expect("the closure cannot fail")
    });
    Report {
        title: "A run".to_owned(),
        settings: vec![("solver".to_owned(), "Tsit5".to_owned())],
        metrics: vec![("NLL, test (nats)".to_owned(), "2.4137".to_owned())],
        losses: (1..=30).map(|e| Epoch { epoch: e, train: 3.0 / e as f64, valid: 3.1 / e as f64 }).collect(),
        entropy_floor: Some(0.05),
        names: (0..dims).map(|j| format!("column {j}")).collect(),
        samples: points(0.3),
        frames: (0..9).map(|k| Frame { t: f64::from(k) / 8.0, points: points(f64::from(k)) }).collect(),
        data,
        density,
    }
}

/// Renders, and checks what holds for every page: its elements nest, it refers to nothing outside, it is not
/// large.
fn render(report: &Report) -> String {
    let html = report.render().unwrap_or_else(|e| panic!("{e}"));
    assert_nested(&html);
    assert_inside(&html);
    let namespace = "xmlns=\"http://www.w3.org/2000/svg\"";
    let rest = html.replace(namespace, "");
    for outside in ["http:", "https:", "<script", "src=", "url(", "@import", "href=\"/"] {
        assert!(!rest.contains(outside), "{outside} in the page");
    }
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
    html
}

/// Every element is closed in order, and no text holds a bare `<`, `>` or attribute without quotes.
fn assert_nested(html: &str) {
    let body = html.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    let mut open: Vec<&str> = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("unclosed tag <{piece}"));
        assert!(!text.contains('>'), "bare > in {text:?}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of <{tag}>");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "order of closing tags");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

/// Every coordinate of a shape is a number within its drawing.
fn assert_inside(html: &str) {
    for drawing in html.split("<svg class=\"plot\"").skip(1) {
        let view = attribute(drawing, "viewBox").expect("a viewBox");
        let size: Vec<f64> = view.split(' ').map(|v| v.parse().expect("a number")).collect();
        for tag in drawing.split('<').skip(1) {
            for (name, limit) in [("cx", size[2]), ("x", size[2]), ("cy", size[3]), ("y", size[3])] {
                if let Some(value) = attribute(tag, name) {
                    let value: f64 = value.parse().unwrap_or_else(|_| panic!("{name} of <{tag}"));
                    assert!((0.0..=limit).contains(&value), "{name} of <{tag} in {view}");
                }
            }
            let points = attribute(tag, "points").unwrap_or_default().split_whitespace();
            for (x, y) in points.map(|p| p.split_once(',').expect("x,y")) {
                let within = |v: &str, limit| (0.0..=limit).contains(&v.parse::<f64>().expect("a number"));
                assert!(within(x, size[2]) && within(y, size[3]), "({x}, {y}) of <{tag} in {view}");
            }
        }
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn headings(html: &str) -> Vec<&str> {
    html.split("<h2>").skip(1).filter_map(|rest| rest.split_once("</h2>").map(|(h, _)| h)).collect()
}

#[test]
fn every_dimension_has_its_figures() {
    let one = ["Metrics", "Loss", "Density and samples", "Path of the flow"];
    assert_eq!(headings(&render(&full(1, 500))), one);
    let two = ["Metrics", "Loss", "Density", "Samples", "Path of the flow"];
    assert_eq!(headings(&render(&full(2, 500))), two);
    let more = ["Metrics", "Loss", "Pairwise marginals", "Path of the flow"];
    for dims in [3, 6, 7] {
        assert_eq!(headings(&render(&full(dims, 500))), more);
    }
}

#[test]
fn figures_name_their_axes_and_units() {
    let html = render(&full(2, 500));
    for text in [
        "epoch",
        "negative log-likelihood (nats)",
        "probability per unit area",
        "column 0",
        "column 1",
        "t = 1 (data)",
    ] {
        assert!(html.contains(&format!(">\n{text}\n</text>")), "no axis or title {text:?}");
    }
    assert!(
        html.contains("entropy of the data: 0.0500 nats")
            && html.contains("Tsit5")
            && html.contains("2.4137")
    );
}

#[test]
fn pairs_show_six_columns_at_most_and_say_so() {
    let html = render(&full(9, 200));
    assert_eq!(html.matches("<image ").count(), 30);
    assert!(html.contains("The first 6 of 9 columns are shown."));
}

#[test]
fn six_of_many_frames_are_drawn_from_first_to_last() {
    let html = render(&full(2, 50));
    let titles: Vec<_> = html.split('\n').filter(|line| line.starts_with("t = ")).collect();
    assert_eq!(titles, ["t = 0 (base)", "t = 0.12", "t = 0.38", "t = 0.50", "t = 0.75", "t = 1 (data)"]);
}

#[test]
fn text_of_the_user_stays_text() {
    let hostile = "</title></svg><script>alert('1')</script>\" onload=\"x & y\u{0}\u{7}";
    let pair = || vec![(hostile.to_owned(), hostile.to_owned())];
    for dims in 1..=3 {
        let names = vec![hostile.to_owned(); dims];
        let report =
            Report { title: hostile.to_owned(), settings: pair(), metrics: pair(), names, ..full(dims, 40) };
        let html = render(&report);
        assert!(html.contains("&lt;script&gt;") && !html.contains("onload=\"") && !html.contains('\u{0}'));
    }
}

#[test]
fn degenerate_input_renders() {
    for dims in [1, 2, 3] {
        let full = full(dims, 40);
        let bare = Report { names: full.names.clone(), ..Report::default() };
        render(&bare);
        render(&Report { losses: vec![Epoch { epoch: 1, train: 2.0, valid: f64::NAN }], ..bare.clone() });
        let unordered = [9, 2, 2].map(|epoch| Epoch { epoch, train: 1.0, valid: f64::INFINITY });
        render(&Report { losses: unordered.to_vec(), ..full.clone() });
        render(&Report { samples: vec![0.5; dims], data: vec![], frames: vec![], ..full.clone() });
        render(&Report { samples: vec![f64::NAN; 3 * dims], ..full.clone() });
        let blank = full.density.clone().map(|d| Density { log_p: vec![f64::NAN; d.log_p.len()], ..d });
        render(&Report { density: blank, ..full.clone() });
        for value in [0.0, 7.0, -1e20, 1e-300, 1e149, f64::MAX, f64::INFINITY, f64::NAN] {
            let same = vec![value; 20 * dims];
            let frames = vec![Frame { t: f64::NAN, points: same.clone() }];
            render(&Report { data: same.clone(), samples: same, frames, density: None, ..full.clone() });
        }
    }
}

#[test]
fn large_input_gives_a_small_page() {
    let mut report = full(2, 50_000);
    report.losses = (0..20_000).map(|epoch| Epoch { epoch, train: 2.0, valid: 2.1 }).collect();
    let flat = |centres: &[f64]| Ok::<_, ReportError>(vec![-3.0; centres.len() / 2]);
    report.density = Density::over(&report.data, 2, usize::MAX, flat).ok();
    render(&report);
}

#[test]
fn input_that_does_not_fit_is_refused_by_name() {
    let full = full(2, 20);
    let refusal = |report: Report| report.render().expect_err("must be refused").to_string();
    let says = |report: Report, text: &str| {
        let refusal = refusal(report);
        assert!(refusal.contains(text), "{refusal}");
    };
    says(Report { names: vec![], ..full.clone() }, "names no columns");
    says(Report { data: vec![1.0; 3], ..full.clone() }, "data: 3 values do not fill rows of 2 columns");
    says(Report { samples: vec![1.0; 5], ..full.clone() }, "samples: 5 values");
    let frames = |lengths: [usize; 2]| lengths.map(|n| Frame { t: 0.0, points: vec![0.0; n] }).to_vec();
    says(Report { frames: frames([4, 3]), ..full.clone() }, "frames[1]: 3 values");
    says(Report { frames: frames([4, 6]), ..full.clone() }, "frames[1] has 3 rows; the first frame has 2");

    let axis = Axis { low: 0.0, high: 1.0, cells: 2 };
    let with = |axes: Vec<Axis>, values: usize| Report {
        density: Some(Density { axes, log_p: vec![0.0; values] }),
        ..full.clone()
    };
    says(with(vec![axis], 2), "the density has 1 axes, the data 2 columns");
    says(with(vec![axis, axis], 3), "3 values for a grid of 4 cells");
    for (low, high, cells) in
        [(1.0, 0.0, 2), (0.0, f64::NAN, 2), (1.0, 1.0, 2), (0.0, 1.0, 0), (0.0, 1.0, 513)]
    {
        says(with(vec![axis, Axis { low, high, cells }], 4), "density axis 1");
    }
}

#[test]
fn thinning_is_exact_and_loses_no_phase_of_periodic_rows() {
    for (count, most) in [(0, 5), (5, 5), (7, 5), (3, 9)] {
        let chosen = chosen(count, most);
        assert_eq!(chosen.len(), count.min(most));
        assert!(chosen.is_sorted_by(|a, b| a < b) && chosen.iter().all(|k| *k < count));
    }
    for period in 2..=40 {
        let mut hits = vec![0; period];
        for k in chosen(10_000, 1_000) {
            hits[k % period] += 1;
        }
        assert!(hits.iter().all(|h| h * period > 300), "period {period}: {hits:?}");
    }
}

/// Cell centres come in the order of `log_p`: the grid of ln p = ln(x-density) + ln(y-density) of a box
/// integrates to 1, and its mean is where the box is, along each axis.
#[test]
fn density_is_evaluated_in_the_order_it_is_stored() {
    let rows: Vec<f64> = (0..100).flat_map(|k| [f64::from(k % 10), 30.0 + f64::from(k / 10)]).collect();
    let inside = |p: &[f64]| (1.0..=3.0).contains(&p[0]) && (36.0..=38.0).contains(&p[1]);
    let log_p = |p: &[f64]| if inside(p) { 0.25_f64.ln() } else { f64::NEG_INFINITY };
    let density =
        Density::over(&rows, 2, 400, |c| Ok::<_, ()>(c.chunks(2).map(log_p).collect())).expect("infallible");
    assert!((density.mass() - 1.0).abs() < 0.03, "{}", density.mass());
    let [x, y] = [density.axes[0], density.axes[1]];
    for (cell, l) in density.log_p.iter().enumerate() {
        let centre = [x.centre(cell % x.cells), y.centre(cell / x.cells)];
        assert_eq!(l.is_finite(), inside(&centre), "cell {cell} at {centre:?}");
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -5.0..5.0_f64, 1 => any::<f64>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_numbers_render(
        dims in 1..5_usize,
        values in prop::collection::vec(any_value(), 0..60),
        losses in prop::collection::vec((any::<usize>(), any_value(), any_value()), 0..6),
        entropy_floor in prop::option::of(any_value()),
        t in any_value(),
    ) {
        let data = values[..values.len() / dims * dims].to_vec();
        let density = if dims > 2 { None } else {
            Density::over(&data, dims, 7, |c| {
                Ok::<_, ()>((0..c.len() / dims).map(|k| values.get(k).copied().unwrap_or(-1.0)).collect())
            }).ok()
        };
        let losses = losses.into_iter().map(|(epoch, train, valid)| Epoch { epoch, train, valid }).collect();
        let mirrored = data.iter().map(|v| -v).collect();
        let frames = vec![Frame { t, points: data.clone() }, Frame { t: 1.0, points: mirrored }];
        let samples = data.iter().map(|v| 0.5 * v).collect();
        render(&Report { losses, entropy_floor, data, samples, density, frames, ..full(dims, 0) });
    }
}
