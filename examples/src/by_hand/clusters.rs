//! A step of clustering by k-means.

/// The gradient of the sum of squared distances of points from the nearest centroid each, over the diagonal of its
/// Hessian.
pub fn clusters(centroids: &[f64], points: &[f64], d: usize) -> Vec<f64> {
    let (mut apart, mut members) = (vec![0.0; centroids.len()], vec![0.0; centroids.len() / d]);
    for point in points.chunks(d) {
        let (nearest, _) = nearest(point, centroids);
        members[nearest] += 1.0;
        let own = nearest * d..(nearest + 1) * d;
        for ((apart, c), x) in apart[own.clone()].iter_mut().zip(&centroids[own]).zip(point) {
            *apart += c - x;
        }
    }
    apart.iter().enumerate().map(|(i, apart)| apart / members[i / d]).collect()
}

/// The number of the nearest centroid (of the first, where several are) and its squared distance.
pub fn nearest(point: &[f64], centroids: &[f64]) -> (usize, f64) {
    let mut nearest = (0, f64::INFINITY);
    for (i, centroid) in centroids.chunks(point.len()).enumerate() {
        let distance = point.iter().zip(centroid).map(|(x, c)| (x - c) * (x - c)).sum();
        if distance < nearest.1 {
            nearest = (i, distance);
        }
    }
    nearest
}
