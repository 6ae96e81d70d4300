use ad_core::check::{self, Case, Tester};
#[test]
fn show() {
    for s in 0..4 { println!("{:?}", Case::from_seed(s, 10).unwrap()); }
}
#[test]
fn many() {
    let mut hist = std::collections::BTreeMap::new();
    let mut bad = 0;
    for s in 0..3000u64 {
        let c = match std::panic::catch_unwind(|| Case::from_seed(s, 12)) { Ok(Ok(c)) => c, Ok(Err(e)) => { println!("seed {s}: GEN {e}"); continue }, Err(_) => { println!("seed {s} GEN PANIC"); continue } };
        for n in c.tape.nodes() { *hist.entry(format!("{:?}", n.op).split('(').next().unwrap().to_owned()).or_insert(0) += 1; }
        let t = std::time::Instant::now();
        let r = std::panic::catch_unwind(|| check::derivatives(&c.tape, c.examples, &c.inputs).and_then(|()| check::program(&c.tape, c.examples, &c.inputs, 1e-9)));
        if t.elapsed().as_millis() > 1000 { println!("seed {s} slow {:?}", t.elapsed()); }
        match r { Ok(Ok(())) => {}, Ok(Err(e)) => { bad += 1; if bad < 12 { println!("seed {s}: {}", e.to_string().chars().take(300).collect::<String>()); } }, Err(_) => { bad += 1; println!("seed {s} PANIC"); } }
    }
    println!("bad {bad} {hist:?}");
}
#[test]
fn one() {
    for s in [271u64, 1947, 2696, 1924, 2250] {
        let c = Case::from_seed(s, 12).unwrap();
        println!("seed {s} {c:?}");
        if s == 1947 || s == 2696 { let names: Vec<&str> = c.tape.inputs().iter().map(|(n, _)| n.as_str()).collect(); println!("{}", c.tape.linearize(&names).unwrap().tape()); println!("{}", c.tape.linearize(&names).unwrap().transpose().unwrap().transpose().unwrap().tape());}
        println!("{:?}", check::derivatives(&c.tape, c.examples, &c.inputs).map_err(|e| e.to_string()));
    }
}
