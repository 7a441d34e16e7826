//! The public position of several photos together. Pure.

use super::PublicView;
use crate::catalogue::published::CellCount;
use crate::privacy::round_position;
use photo_metadata::Location;

/// The 32 digits of a geohash, in the order of their values from 0 to 31. The order of their
/// character codes is the same.
pub(crate) const GEOHASH_DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

impl PublicView {
    /// Returns the point of the photos in a geohash cell, which is never in a home zone unless the
    /// zones cover the cell. `cell` is the geohash of the cell, and `sum` the mean position of its
    /// photos.
    pub(crate) fn cluster_point(&self, cell: &str, sum: &CellCount) -> Location {
        cluster_point(cell, sum, |point| self.is_in_home_zone(point))
    }
}

/// Returns the point of a cluster: the mean position of the photos in the cell. If that position is
/// in a home zone, returns a centre of one of the cell's 32 sub-cells instead: the nearest centre
/// that is not in a home zone.
fn cluster_point(
    cell: &str,
    sum: &CellCount,
    is_in_home_zone: impl Fn(&Location) -> bool,
) -> Location {
    let point = |lat, lon| Location {
        lat: round_position(lat),
        lon: round_position(lon),
        ..Location::default()
    };
    let mean = point(sum.lat, sum.lon);
    if !is_in_home_zone(&mean) {
        return mean;
    }
    let sub_cells = GEOHASH_DIGITS.iter().filter_map(|digit| {
        let (place, _, _) = geohash::decode(&format!("{cell}{}", char::from(*digit))).ok()?;
        Some(point(place.y, place.x))
    });
    let distance = |from: &Location| (from.lat - mean.lat).hypot(from.lon - mean.lon);
    let nearest = sub_cells
        .filter(|place| !is_in_home_zone(place))
        .min_by(|one, other| distance(one).total_cmp(&distance(other)));
    // If home zones cover most of the cell, the centres of all sub-cells may be in a zone. Then the
    // south-west corner of the cell is used.
    nearest.unwrap_or_else(|| {
        geohash::decode_bbox(cell).map_or(mean.clone(), |cell| point(cell.min().y, cell.min().x))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_point_is_never_in_a_home_zone() {
        let sum = CellCount {
            photos: 2,
            lat: 45.5,
            lon: -73.7,
        };
        let zones: crate::privacy::HomeZones = "45.5,-73.7,500".parse().expect("zones");
        let cell = "f25";
        let seen = cluster_point(cell, &sum, |point| zones.contains(point));
        assert!(!zones.contains(&seen), "{seen:?}");
        assert_eq!(seen.geohash(3).as_deref(), Some(cell));
        assert_eq!(cluster_point(cell, &sum, |_| false).lat, 45.5);
        assert_eq!(
            cluster_point(cell, &sum, |_| true).geohash(3).as_deref(),
            Some(cell)
        );
    }
}
