//! Minimum cuts of small networks, by augmenting along shortest paths (Edmonds and Karp 1972).

use std::collections::VecDeque;

/// Places and connections of bounded capacity between them.
pub(super) struct Network {
    /// The connections that leave each place, or run against one that enters it.
    at: Vec<Vec<usize>>,
    /// Connection `k` and the way against it, `k ^ 1`.
    connections: Vec<Connection>,
}

struct Connection {
    to: usize,
    /// How much more may flow.
    capacity: u64,
}

impl Network {
    /// More than any cut is worth.
    pub(super) const UNBOUNDED: u64 = u64::MAX / 4;

    pub(super) fn new(places: usize) -> Self {
        Network { at: vec![Vec::new(); places], connections: Vec::new() }
    }

    pub(super) fn connect(&mut self, from: usize, to: usize, capacity: u64) {
        for (from, to, capacity) in [(from, to, capacity), (to, from, 0)] {
            self.at[from].push(self.connections.len());
            self.connections.push(Connection { to, capacity });
        }
    }

    /// The places behind a minimum cut, from which the sink can still be reached: of all minimum cuts the one nearest to the
    /// sink. No path of unbounded capacity may lead from source to sink.
    pub(super) fn behind_minimum_cut(mut self, source: usize, sink: usize) -> Vec<bool> {
        while let Some(path) = self.shortest_path(source, sink) {
            let flow = path.iter().map(|&k| self.connections[k].capacity).min().unwrap_or(0);
            for k in path {
                self.connections[k].capacity -= flow;
                self.connections[k ^ 1].capacity += flow;
            }
        }
        let mut behind = vec![false; self.at.len()];
        behind[sink] = true;
        let mut reached = vec![sink];
        while let Some(place) = reached.pop() {
            for &k in &self.at[place] {
                let from = self.connections[k].to;
                if self.connections[k ^ 1].capacity > 0 && !behind[from] {
                    behind[from] = true;
                    reached.push(from);
                }
            }
        }
        behind
    }

    /// The connections of a path along which more may flow.
    fn shortest_path(&self, source: usize, sink: usize) -> Option<Vec<usize>> {
        let mut came_by = vec![usize::MAX; self.at.len()];
        let mut queue = VecDeque::from([source]);
        while let Some(place) = queue.pop_front() {
            for &k in &self.at[place] {
                let Connection { to, capacity } = self.connections[k];
                if capacity > 0 && to != source && came_by[to] == usize::MAX {
                    came_by[to] = k;
                    queue.push_back(to);
                }
            }
        }
        let mut path = Vec::new();
        let mut place = sink;
        while place != source {
            let k = *came_by.get(place).filter(|k| **k != usize::MAX)?;
            path.push(k);
            place = self.connections[k ^ 1].to;
        }
        Some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cheapest of all ways to put the inner places on either side, by trying them.
    #[test]
    fn no_cut_is_cheaper() {
        let places = 7;
        let (source, sink) = (5, 6);
        let mut state = 1_u64;
        let mut draw = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for _ in 0..300 {
            let edge = |draw: &mut dyn FnMut(u64) -> u64| {
                [draw(places as u64) as usize, draw(places as u64) as usize, draw(9) as usize]
            };
            let edges: Vec<[usize; 3]> =
                (0..14).map(|_| edge(&mut draw)).filter(|[a, b, _]| a != b).collect();
            let worth = |behind: &dyn Fn(usize) -> bool| -> usize {
                edges.iter().filter(|[a, b, _]| !behind(*a) && behind(*b)).map(|[_, _, c]| c).sum()
            };
            let least = (0..1_usize << 5)
                .map(|sides| worth(&|p| p == sink || (p != source && sides >> p & 1 == 1)))
                .min();
            let mut network = Network::new(places);
            for &[a, b, c] in &edges {
                network.connect(a, b, c as u64);
            }
            let behind = network.behind_minimum_cut(source, sink);
            assert!(behind[sink] && !behind[source]);
            assert_eq!(Some(worth(&|p| behind[p])), least, "{edges:?}");
        }
    }
}
