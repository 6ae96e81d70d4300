//! One field through all transforms, against central differences.
use ad_core::{Array, Elementary, Tape};

fn arr(shape: &[usize], seed: u64) -> Array {
    let n: usize = shape.iter().product();
    let mut s = seed;
    let data = (0..n)
        .map(|_| {
            s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (s >> 33) as f64 / (1u64 << 31) as f64 - 0.5
        })
        .collect();
    Array::new(shape, data).unwrap()
}

#[test]
fn vjp_equals_differences() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let (w, b, v) = (t.shared("w", &[3, 4]), t.shared("b", &[4]), t.shared("v", &[4, 2]));
        let h = (x.matmul(&w) + &b).tanh();
        let y = h.concat(&[&x.exp()], 0).slice(0, 1..5).matmul(&v) + x.dot(&x) * 0.3;
        [("y", (y.clone() * &y).sum().mean_examples() + (y / b.slice(0, 0..2).exp()).sum().sum_examples())]
    })
    .unwrap();
    tape.verify().unwrap();
    println!("{tape}");
    let n = 5;
    let inputs = vec![arr(&[n, 3], 1), arr(&[3, 4], 2), arr(&[4], 3), arr(&[4, 2], 4)];
    let vjp = tape.vjp(&["x", "w", "b", "v"]).unwrap();
    println!("{vjp}");
    let mut vin = inputs.clone();
    vin.push(Array::new(&[], vec![1.0]).unwrap());
    let out = vjp.eval(n, &vin).unwrap();
    for k in 0..4 {
        for j in 0..inputs[k].data.len() {
            let f = |h: f64| {
                let mut i = inputs.clone();
                i[k].data[j] += h;
                tape.eval(n, &i).unwrap()[0].data[0]
            };
            let fd = (f(1e-5) - f(-1e-5)) / 2e-5;
            assert!((fd - out[1 + k].data[j]).abs() < 1e-8, "{k} {j} {fd} {}", out[1 + k].data[j]);
        }
    }
}

#[test]
fn divergence_by_directions() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let (w, v) = (t.shared("w", &[3, 4]), t.shared("v", &[4, 3]));
        let y = x.matmul(&w).tanh().matmul(&v);
        let jt = t.push_forward(&[(&x, &t.identity(3))], &[&y]).remove(0);
        [("y", y), ("div", jt.trace())]
    })
    .unwrap();
    println!("{tape}");
    let n = 2;
    let inputs = vec![arr(&[n, 3], 1), arr(&[3, 4], 2), arr(&[4, 3], 4)];
    let out = tape.eval(n, &inputs).unwrap();
    for e in 0..n {
        let mut div = 0.0;
        for i in 0..3 {
            let f = |h: f64| {
                let mut j = inputs.clone();
                j[0].data[e * 3 + i] += h;
                tape.eval(n, &j).unwrap()[0].data[e * 3 + i]
            };
            div += (f(1e-5) - f(-1e-5)) / 2e-5;
        }
        assert!((div - out[1].data[e]).abs() < 1e-8);
    }
    let g = tape.vjp(&["w"]).unwrap();
    println!("{g}");
    let mut vin = inputs.clone();
    vin.push(Array::new(&[n, 3], vec![0.0; 6]).unwrap());
    vin.push(Array::new(&[n], vec![1.0; n]).unwrap());
    let out = g.eval(n, &vin).unwrap();
    for j in 0..12 {
        let f = |h: f64| {
            let mut i = inputs.clone();
            i[1].data[j] += h;
            tape.eval(n, &i).unwrap()[1].data.iter().sum::<f64>()
        };
        let fd = (f(1e-5) - f(-1e-5)) / 2e-5;
        assert!((fd - out[2].data[j]).abs() < 1e-8, "{j} {fd} {}", out[2].data[j]);
    }
}
