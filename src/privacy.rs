//! The rules for what is hidden from the public. Ingest, the gallery and publish use the same
//! rules. This module does no I/O.

mod home_zones;
mod keyword;
mod location_policy;
mod people_policy;
mod visibility;

use photo_metadata::{Location, Place};

pub(crate) use keyword::is_same_keyword;
pub(crate) use location_policy::round_position;

pub use home_zones::{HomeZones, InvalidHomeZone};
pub use location_policy::{InvalidLocationPolicy, LocationPolicy};
pub use people_policy::{InvalidPeoplePolicy, PeoplePolicy};
pub use visibility::{
    InvalidVisibility, UNREAD_LABELS, Visibility, VisibilityFacts, VisibilityReason,
    VisibilityRules,
};

/// The rules for what is hidden from the public.
// The Debug form is part of the fingerprints that publish stores. See `PublicView`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Privacy {
    /// The location policy: how precise published locations are.
    pub location: LocationPolicy,
    /// The areas in which no location is published under any policy.
    pub home_zones: HomeZones,
    /// The rules that decide which photos are not shown at all.
    pub visibility: VisibilityRules,
    /// The people policy: whether names of people are published.
    pub people: PeoplePolicy,
}

/// The smallest number of decimals with which the location policy `round:N` publishes the name of a
/// region. A rounded location is about 11 km wide then, and a region is larger.
const REGION_DECIMALS: u8 = 1;
/// The smallest number of decimals with which the location policy `round:N` publishes the name of a
/// city. A rounded location is about 1.1 km wide then, and nearly every city is larger.
const CITY_DECIMALS: u8 = 2;

impl Privacy {
    /// Returns the location that may be published: rounded or exact, as the location policy
    /// requires. Returns `None` if the policy hides all locations. Also returns `None` if the
    /// recorded or the published location is in a home zone.
    pub fn redact_location(&self, location: &Location) -> Option<Location> {
        let published = self.location.redact_location(location)?;
        let at_home = self.home_zones.contains(location) || self.home_zones.contains(&published);
        (!at_home).then_some(published)
    }

    /// Reports whether facts may be published that were derived from GPS data and show roughly
    /// where the photo was taken, such as the offset from UTC. `location` is the recorded location
    /// of the photo.
    ///
    /// This is the case if the location itself is published. If there is no location, the policy
    /// must publish locations, and there must be no home zones, because the photo may come from
    /// one.
    pub fn allows_gps_facts(&self, location: Option<&Location>) -> bool {
        match location {
            Some(location) => self.redact_location(location).is_some(),
            None => self.location != LocationPolicy::Hide && self.home_zones.is_empty(),
        }
    }

    /// Returns the names of a photo's place that may be published. `location` is the recorded
    /// location of the photo. Returns `None` if nothing may be published.
    ///
    /// A name may be published only if the location may be. If there is no location, there must be
    /// no home zones, because the place may be in one. If the policy rounds locations, only names
    /// of places are published that are usually larger than a rounded location. The name of a part
    /// of a city may be an address, so it is published only under the policy `exact`.
    pub fn redact_place(&self, place: &Place, location: Option<&Location>) -> Option<Place> {
        let may_be_published = match location {
            Some(location) => self.redact_location(location).is_some(),
            None => self.home_zones.is_empty(),
        };
        if !may_be_published {
            return None;
        }
        let published = match self.location {
            LocationPolicy::Hide => return None,
            LocationPolicy::Exact => place.clone(),
            LocationPolicy::Round(decimals) => {
                let Place {
                    sublocation: _,
                    city,
                    region,
                    country,
                    country_code,
                } = place.clone();
                Place {
                    sublocation: None,
                    city: city.filter(|_| decimals >= CITY_DECIMALS),
                    region: region.filter(|_| decimals >= REGION_DECIMALS),
                    country,
                    country_code,
                }
            }
        };
        (!published.is_empty()).then_some(published)
    }

    /// Returns `true` if the tags of a photo that name its place may be published as they were
    /// recorded. `location` is the location of the photo. Files are never published with their
    /// tags.
    ///
    /// The location policy must be `exact`. If there are home zones, the photo must also have a
    /// location, and this location must not be in a home zone. A photo without a location is
    /// refused in that case, because it may name the place in another tag.
    pub fn shows_recorded_places(&self, location: Option<&Location>) -> bool {
        self.location.is_exact()
            && (self.home_zones.is_empty()
                || location.is_some_and(|location| self.redact_location(location).is_some()))
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
    fn location_is_hidden_at_home_and_follows_the_policy_elsewhere() {
        for policy in [LocationPolicy::Exact, LocationPolicy::Round(2)] {
            let privacy = privacy(policy);
            assert_eq!(privacy.redact_location(&at(45.4712, -73.6456)), None);
            let away = at(48.8584, 2.2945);
            assert_eq!(
                privacy.redact_location(&away),
                policy.redact_location(&away)
            );
        }
    }

    #[test]
    fn location_is_not_rounded_into_a_home_zone() {
        // All locations around 45.5, -73.6 are rounded to this point, and the zone contains it.
        let home_zones = "45.5,-73.6,200".parse().expect("zones");
        let privacy = Privacy {
            home_zones,
            ..LocationPolicy::Round(1).into()
        };
        assert_eq!(privacy.redact_location(&at(45.53, -73.63)), None);
        assert!(privacy.redact_location(&at(45.63, -73.63)).is_some());
    }

    #[test]
    fn gps_facts_are_public_only_with_a_published_location() {
        let (home, away) = (at(45.4712, -73.6456), at(48.8584, 2.2945));
        let hide = Privacy::from(LocationPolicy::Hide);
        for location in [None, Some(&home), Some(&away)] {
            assert!(!hide.allows_gps_facts(location));
        }
        for policy in [LocationPolicy::Exact, LocationPolicy::Round(1)] {
            let zones = privacy(policy);
            assert!(zones.allows_gps_facts(Some(&away)));
            assert!(!zones.allows_gps_facts(Some(&home)) && !zones.allows_gps_facts(None));
            assert!(Privacy::from(policy).allows_gps_facts(None));
            assert!(!Privacy::from(policy).allows_gps_facts(Some(&at(91.0, 0.0))));
        }
    }

    fn kyoto() -> Place {
        let name = |name: &str| Some(name.to_owned());
        Place {
            sublocation: name("Gion"),
            city: name("Kyoto"),
            region: name("Kyoto Prefecture"),
            country: name("Japan"),
            country_code: name("JP"),
        }
    }

    /// Returns the names of a place in one text, from the smallest to the largest.
    fn names(place: Option<Place>) -> String {
        let place = place.unwrap_or_default();
        let names = [place.sublocation, place.city, place.region, place.country];
        let names: Vec<String> = names.into_iter().flatten().collect();
        names.join(", ")
    }

    #[test]
    fn place_has_only_names_that_the_location_policy_allows() {
        for (policy, expected) in [
            (LocationPolicy::Hide, ""),
            (LocationPolicy::Round(0), "Japan"),
            (LocationPolicy::Round(1), "Kyoto Prefecture, Japan"),
            (LocationPolicy::Round(2), "Kyoto, Kyoto Prefecture, Japan"),
            (LocationPolicy::Round(5), "Kyoto, Kyoto Prefecture, Japan"),
            (
                LocationPolicy::Exact,
                "Gion, Kyoto, Kyoto Prefecture, Japan",
            ),
        ] {
            let privacy = Privacy::from(policy);
            for location in [None, Some(at(35.0037, 135.7751))] {
                let published = privacy.redact_place(&kyoto(), location.as_ref());
                assert_eq!(names(published), expected, "{policy} {location:?}");
            }
        }
        let city = Place {
            country: None,
            region: None,
            country_code: None,
            ..kyoto()
        };
        let rounded = Privacy::from(LocationPolicy::Round(1));
        assert_eq!(rounded.redact_place(&city, None), None);
    }

    #[test]
    fn place_is_hidden_if_the_location_is() {
        for policy in [LocationPolicy::Exact, LocationPolicy::Round(2)] {
            let privacy = privacy(policy);
            let published =
                |location: Option<Location>| privacy.redact_place(&kyoto(), location.as_ref());
            assert!(published(Some(at(48.8584, 2.2945))).is_some());
            // At home, off the globe, and unknown.
            assert_eq!(published(Some(at(45.4712, -73.6456))), None);
            assert_eq!(published(Some(at(91.0, 0.0))), None);
            assert_eq!(published(None), None);
        }
        let home_zones = "45.5,-73.6,200".parse().expect("zones");
        let rounded = Privacy {
            home_zones,
            ..LocationPolicy::Round(1).into()
        };
        assert_eq!(
            rounded.redact_place(&kyoto(), Some(&at(45.53, -73.63))),
            None
        );
        // Without home zones, a location that is not on the globe hides the place too.
        let exact = Privacy::from(LocationPolicy::Exact);
        assert_eq!(exact.redact_place(&kyoto(), Some(&at(91.0, 0.0))), None);
    }

    #[test]
    fn places_are_shown_only_if_the_location_may_be_published() {
        let exact = privacy(LocationPolicy::Exact);
        assert!(exact.shows_recorded_places(Some(&at(48.8584, 2.2945))));
        assert!(!exact.shows_recorded_places(Some(&at(45.4712, -73.6456))));
        assert!(!exact.shows_recorded_places(None));
        assert!(Privacy::from(LocationPolicy::Exact).shows_recorded_places(None));
        assert!(
            !privacy(LocationPolicy::Round(2)).shows_recorded_places(Some(&at(48.8584, 2.2945)))
        );
    }
}
