use crate::Parameters;

/// Scales a gradient whose Euclidean norm, over all its numbers together, is more than `most` down to that norm. Returns
/// the norm it had (Pascanu, Mikolov, Bengio, 2013; optax's `clip_by_global_norm`).
pub fn clip_global_norm(gradient: &mut Parameters, most: f64) -> f64 {
    let squares = |a: &ad_core::Array| a.data.iter().map(|g| g * g).sum::<f64>();
    let norm = gradient.iter().map(|(_, a)| squares(a)).sum::<f64>().sqrt();
    if norm > most {
        for g in gradient.arrays_mut().flat_map(|a| &mut a.data) {
            *g = *g / norm * most;
        }
    }
    norm
}
