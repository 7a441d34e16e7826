//! What is kept from the public: one value, the same for ingest, gallery and publish. Pure.

mod home_zones;
mod location_policy;
mod visibility;

use photo_metadata::Location;

pub use home_zones::{HomeZones, InvalidHomeZone};
pub use location_policy::{InvalidLocationPolicy, LocationPolicy};
pub use visibility::{Facts, InvalidVisibility, Visibility, VisibilityRules};

/// What is kept from the public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privacy {
    /// How much of a position is published.
    pub location: LocationPolicy,
    /// Where none is, whatever the policy.
    pub home_zones: HomeZones,
    /// Which photos are not shown at all.
    pub visibility: VisibilityRules,
}

impl Privacy {
    /// The position as it may be published; `None` where nothing may, also where a home zone holds the position as it was
    /// recorded or as it would be told.
    pub fn publish(&self, location: &Location) -> Option<Location> {
        let published = self.location.publish(location)?;
        let at_home = self.home_zones.contain(location) || self.home_zones.contain(&published);
        (!at_home).then_some(published)
    }

    /// Whether a file may be published as it is, with whatever it says of places. With home zones that takes a position
    /// which is published: a file without one may say in other words where it was taken.
    pub fn shows_files_as_they_are(&self, location: Option<&Location>) -> bool {
        self.location.is_exact()
            && (self.home_zones.is_empty()
                || location.is_some_and(|location| self.publish(location).is_some()))
    }
}

impl From<LocationPolicy> for Privacy {
    fn from(location: LocationPolicy) -> Self {
        Privacy {
            location,
            ..Privacy::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Location {
        Location {
            lat,
            lon,
            ..Location::default()
        }
    }

    fn privacy(location: LocationPolicy) -> Privacy {
        let home_zones = "45.4712,-73.6456,500".parse().expect("zones");
        Privacy {
            location,
            home_zones,
            ..Privacy::default()
        }
    }

    #[test]
    fn at_home_nothing_is_published_and_elsewhere_as_the_policy_says() {
        for policy in [LocationPolicy::Exact, LocationPolicy::Round(2)] {
            let privacy = privacy(policy);
            assert_eq!(privacy.publish(&at(45.4712, -73.6456)), None);
            let away = at(48.8584, 2.2945);
            assert_eq!(privacy.publish(&away), policy.publish(&away));
        }
    }

    #[test]
    fn no_place_is_rounded_into_a_home() {
        // 45.5, -73.6 is the corner to which everything around it is rounded; the zone is there.
        let home_zones = "45.5,-73.6,200".parse().expect("zones");
        let privacy = Privacy {
            home_zones,
            ..LocationPolicy::Round(1).into()
        };
        assert_eq!(privacy.publish(&at(45.53, -73.63)), None);
        assert!(privacy.publish(&at(45.63, -73.63)).is_some());
    }

    #[test]
    fn a_file_goes_out_as_it_is_where_its_place_may_be_known() {
        let exact = privacy(LocationPolicy::Exact);
        assert!(exact.shows_files_as_they_are(Some(&at(48.8584, 2.2945))));
        assert!(!exact.shows_files_as_they_are(Some(&at(45.4712, -73.6456))));
        assert!(!exact.shows_files_as_they_are(None));
        assert!(Privacy::from(LocationPolicy::Exact).shows_files_as_they_are(None));
        assert!(
            !privacy(LocationPolicy::Round(2)).shows_files_as_they_are(Some(&at(48.8584, 2.2945)))
        );
    }
}
