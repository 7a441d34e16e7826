//! The names of lenses by their numbers in maker notes.
//!
//! Several lenses may share a number, because makers of lenses use the numbers of other makers.
//! Then the focal length and the aperture decide, as in ExifTool. If more than one lens is still
//! possible, the lens has no name. The tables are public facts, from ExifTool's tag documentation.

mod a_mount;
mod canon;
mod leica;
mod nikon;
mod olympus;
mod pentax;
mod samsung;
mod sigma;

/// The facts about the lens in the metadata of a photo. They decide between the lenses that share a
/// number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct LensTraits {
    /// The shortest and the longest focal length of the lens in millimetres.
    pub(crate) range: Option<(f64, f64)>,
    /// The f-number of the largest aperture.
    pub(crate) max_aperture: Option<f64>,
    /// The focal length of the photo in millimetres.
    pub(crate) focal_length: Option<f64>,
}

/// The focal lengths and the largest apertures in the name of a lens.
#[derive(Debug, Clone, Copy, PartialEq)]
struct NamedRange {
    shortest: f64,
    longest: f64,
    /// The f-number at the shortest focal length.
    wide: f64,
    /// The f-number at the longest focal length.
    tele: f64,
}

type LensTable = [(u32, &'static str)];

/// Returns the name of the lens with this value of Canon's tag LensType.
pub(crate) fn canon_lens_name(number: u32, traits: &LensTraits) -> Option<String> {
    match lenses_of(canon::EF, number) {
        [] => None,
        [(_, name)] => Some(add_teleconverter(name, traits)),
        lenses => choose_lens(lenses, traits),
    }
}

/// Returns the name of the lens with this value of Canon's tag RFLensType.
pub(crate) fn canon_rf_lens_name(number: u32) -> Option<String> {
    find_lens(canon::RF, number, &LensTraits::default())
}

/// Returns the name of the lens with this value of the Pentax tag LensType, which has two numbers:
/// the series and the model.
pub(crate) fn pentax_lens_name(series: u64, model: u64, traits: &LensTraits) -> Option<String> {
    let key = u32::try_from(series.checked_mul(256)?.checked_add(model)?).ok()?;
    find_lens(pentax::PENTAX, key, traits)
}

/// Returns the name of the lens with this value of the tag LensType of Minolta or Sony.
/// `specification` are the focal lengths and apertures of the lens as a text, if they are known.
pub(crate) fn a_mount_lens_name(
    number: u32,
    traits: &LensTraits,
    specification: Option<&str>,
) -> Option<String> {
    let lenses = lenses_of(a_mount::A_MOUNT, number);
    if let ([_, _, ..], Some(specification)) = (lenses, specification) {
        return choose_by_specification(lenses, specification);
    }
    find_lens(a_mount::A_MOUNT, number, traits)
}

/// Returns the name of the lens with this value of the Sigma tag LensType.
pub(crate) fn sigma_lens_name(number: u32, traits: &LensTraits) -> Option<String> {
    find_lens(sigma::SIGMA, number, traits)
}

/// Returns the name of the lens with this value of the Samsung tag LensType.
pub(crate) fn samsung_lens_name(number: u32) -> Option<String> {
    find_lens(samsung::SAMSUNG, number, &LensTraits::default())
}

/// Returns the name of the lens with these bytes of the Olympus tag LensType: maker, model and
/// version, as one number.
pub(crate) fn four_thirds_lens_name(key: u32) -> Option<String> {
    find_lens(olympus::FOUR_THIRDS, key, &LensTraits::default())
}

/// Returns the name of the lens with this value of Leica's tag LensType: four times the 6-bit code
/// of the lens, plus the number of the frame lines in the viewfinder.
pub(crate) fn leica_lens_name(value: u32) -> Option<String> {
    let traits = LensTraits::default();
    find_lens(leica::BY_CODE_AND_FRAME, value, &traits)
        .or_else(|| find_lens(leica::BY_CODE, value >> 2, &traits))
}

/// Returns the name of the Nikon lens with these eight bytes: the number of the lens, its f-stops,
/// its shortest and longest focal length, the apertures at both, the version of its microprocessor,
/// and the tag LensType.
pub(crate) fn nikon_lens_name(key: u64) -> Option<String> {
    let start = nikon::NIKON.partition_point(|entry| entry.0 < key);
    let mut lenses = nikon::NIKON.get(start..)?.iter();
    let (_, name) = lenses.next().filter(|entry| entry.0 == key)?;
    let is_shared = lenses.next().is_some_and(|entry| entry.0 == key);
    (!is_shared).then(|| (*name).to_owned())
}

/// Returns the entries of a table with this number.
fn lenses_of(table: &'static LensTable, key: u32) -> &'static LensTable {
    let start = table.partition_point(|entry| entry.0 < key);
    let end = table.partition_point(|entry| entry.0 <= key);
    table.get(start..end).unwrap_or_default()
}

/// Returns the name of the lens with this number. Returns `None` if the number is not in the table,
/// or if it means more than one lens and the traits do not decide.
fn find_lens(table: &'static LensTable, key: u32, traits: &LensTraits) -> Option<String> {
    match lenses_of(table, key) {
        [] => None,
        [(_, name)] => Some((*name).to_owned()),
        lenses => choose_lens(lenses, traits),
    }
}

fn choose_lens(lenses: &LensTable, traits: &LensTraits) -> Option<String> {
    match traits.range {
        Some(range) => choose_by_range(lenses, range, traits.max_aperture),
        None => choose_by_use(lenses, traits),
    }
}

/// The factors of teleconverters. The first one stands for no teleconverter.
const TELECONVERTERS: [f64; 4] = [1.0, 1.4, 2.0, 2.8];
/// The largest difference of focal lengths in millimetres that are the same.
const FOCAL_TOLERANCE: f64 = 0.9;

/// Returns the name of a lens. If its focal length in the photo is that of the lens with a
/// teleconverter, adds the teleconverter.
fn add_teleconverter(name: &str, traits: &LensTraits) -> String {
    let factor = || {
        let (shortest, _) = traits.range?;
        let named = named_range(name)?;
        let is_factor =
            |factor: &f64| (shortest - named.shortest * factor).abs() <= FOCAL_TOLERANCE;
        TELECONVERTERS.into_iter().find(is_factor)
    };
    match factor() {
        Some(factor) if factor > 1.0 && own_factor(name).is_none() => {
            format!("{name} + {factor}x")
        }
        _ => name.to_owned(),
    }
}

/// Returns the factor of the teleconverter in the name of a lens: `EF 70-200mm f/4L IS USM + 1.4x`,
/// `Minolta AF 200mm F2.8 G APO + Minolta AF 2x APO`.
fn own_factor(name: &str) -> Option<f64> {
    let (_, converter) = name.rsplit_once(" + ")?;
    let factor = |word: &str| {
        word.strip_suffix('x')?
            .trim_start_matches("RF")
            .parse()
            .ok()
    };
    converter.split(' ').find_map(factor)
}

/// Chooses the lens with this shortest and longest focal length and this largest aperture. A
/// teleconverter may multiply them. The best match counts: all three are equal, or both focal
/// lengths, or the shortest focal length. Returns `None` if two lenses match equally well.
fn choose_by_range(
    lenses: &LensTable,
    range: (f64, f64),
    max_aperture: Option<f64>,
) -> Option<String> {
    /// The largest difference of f-numbers that are the same.
    const APERTURE_TOLERANCE: f64 = 0.18;
    for factor in TELECONVERTERS {
        let mut ranked: [Vec<String>; 3] = Default::default();
        for (_, name) in lenses {
            let Some(named) = named_range(name) else {
                continue;
            };
            let own = own_factor(name);
            // The name of a lens with a teleconverter has the numbers of the lens alone.
            let scale = factor * own.unwrap_or(1.0);
            if own.is_some() && factor > 1.0
                || (range.0 - named.shortest * scale).abs() > FOCAL_TOLERANCE
            {
                continue;
            }
            let has_longest = (range.1 - named.longest * scale).abs() <= FOCAL_TOLERANCE;
            let has_aperture = max_aperture.is_none_or(|aperture| {
                aperture >= named.wide * scale - APERTURE_TOLERANCE
                    && aperture <= named.tele * scale + APERTURE_TOLERANCE
            });
            let full_name = match factor > 1.0 {
                true => format!("{name} + {factor}x"),
                false => (*name).to_owned(),
            };
            let [whole, focal, shortest] = &mut ranked;
            match (has_longest, has_aperture) {
                (true, true) => whole.push(full_name),
                (true, false) => focal.push(full_name),
                (false, _) => shortest.push(full_name),
            }
        }
        if let Some(best) = ranked.into_iter().find(|names| !names.is_empty()) {
            return only_name(best);
        }
    }
    None
}

/// Returns the name, if there is only one. The same name may occur twice.
fn only_name(mut names: Vec<String>) -> Option<String> {
    names.dedup();
    names.pop().filter(|_| names.is_empty())
}

/// Chooses the lens that fits best to the focal length of the photo and the largest aperture at
/// this focal length. Returns `None` if two lenses fit equally well.
fn choose_by_use(lenses: &LensTable, traits: &LensTraits) -> Option<String> {
    /// The largest difference of f-numbers that are the same.
    const APERTURE_TOLERANCE: f64 = 0.15;
    /// The largest difference of focal lengths in millimetres that are the same.
    const USED_FOCAL_TOLERANCE: f64 = 0.5;
    let mut best: Vec<String> = Vec::new();
    let mut least = f64::INFINITY;
    for (_, name) in lenses {
        let Some(range) = named_range(name) else {
            continue;
        };
        let scale = own_factor(name).unwrap_or(1.0);
        let is_possible = traits.focal_length.is_none_or(|length| {
            length >= range.shortest * scale - USED_FOCAL_TOLERANCE
                && length <= range.longest * scale + USED_FOCAL_TOLERANCE
        });
        let distance = match traits.max_aperture {
            None => 0.0,
            Some(aperture)
                if aperture < range.wide * scale - APERTURE_TOLERANCE
                    || aperture > range.tele * scale + APERTURE_TOLERANCE =>
            {
                continue;
            }
            Some(aperture) => {
                let length = traits.focal_length.unwrap_or(0.0) / scale;
                (aperture - scale * range.aperture_at(length)).abs()
            }
        };
        if !is_possible || distance > least + APERTURE_TOLERANCE {
            continue;
        }
        if distance < least - APERTURE_TOLERANCE {
            best.clear();
        }
        least = distance;
        best.push((*name).to_owned());
    }
    only_name(best)
}

/// Chooses the lens with the focal lengths and apertures of a text like `DT 18-55mm F3.5-5.6 SAM`.
/// A lens of Sony must also have the other words of the text.
fn choose_by_specification(lenses: &LensTable, specification: &str) -> Option<String> {
    let wanted = named_range(specification)?;
    let fits = |name: &str| {
        named_range(name).is_some_and(|range| {
            (range.shortest - wanted.shortest).abs() <= 0.5
                && (range.longest - wanted.longest).abs() <= 0.5
                && (range.wide - wanted.wide).abs() <= 0.15
                && (range.tele - wanted.tele).abs() <= 0.15
        })
    };
    let fitting = || {
        lenses
            .iter()
            .map(|(_, name)| *name)
            .filter(|name| fits(name))
    };
    let words = format!(" {specification}");
    let has_words = |name: &&str| {
        let rest = name
            .find(&words)
            .and_then(|at| name.get(at + words.len()..));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" (") || rest == " GM")
    };
    let exact = fitting().find(has_words).map(str::to_owned);
    exact.or_else(|| {
        let others = fitting().filter(|name| !name.starts_with("Sony "));
        only_name(others.map(str::to_owned).collect())
    })
}

impl NamedRange {
    /// Returns the largest aperture at a focal length. Between the ends of the range, its logarithm
    /// changes like that of the focal length.
    fn aperture_at(&self, length: f64) -> f64 {
        if self.shortest >= self.longest || length <= self.shortest {
            return self.wide;
        }
        if length >= self.longest {
            return self.tele;
        }
        let share = (length / self.shortest).ln() / (self.longest / self.shortest).ln();
        self.wide * (self.tele / self.wide).powf(share)
    }
}

/// Returns the focal lengths and the apertures in the name of a lens: `18-55mm f/3.5-5.6`,
/// `180mm Macro f/3.5L`, `50mm F1.4`. Returns `None` if the name does not have them.
fn named_range(name: &str) -> Option<NamedRange> {
    name.match_indices("mm").find_map(|(at, _)| {
        let (before, after) = (name.get(..at)?, name.get(at + 2..)?);
        let (shortest, longest) = range_at_end(before.trim_end())?;
        let mut apertures = after.match_indices(['f', 'F']);
        let (wide, tele) = apertures.find_map(|(at, _)| {
            let aperture = after.get(at + 1..)?;
            range_at_start(aperture.strip_prefix('/').unwrap_or(aperture).trim_start())
        })?;
        Some(NamedRange {
            shortest,
            longest,
            wide,
            tele,
        })
    })
}

/// Parses one or two numbers at the end of a text: `18-55` gives 18 and 55, `50` gives 50 and 50.
fn range_at_end(text: &str) -> Option<(f64, f64)> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let start = text.trim_end_matches(is_part).len();
    parse_range(text.get(start..)?.trim_start_matches(['.', '-']))
}

/// Parses one or two numbers at the start of a text: `3.5-5.6` gives 3.5 and 5.6.
fn range_at_start(text: &str) -> Option<(f64, f64)> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    let length = text.len() - text.trim_start_matches(is_part).len();
    parse_range(text.get(..length)?.trim_end_matches(['.', '-']))
}

fn parse_range(text: &str) -> Option<(f64, f64)> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|&number| number > 0.0);
    match text.split_once('-') {
        Some((first, last)) => Some((number(first)?, number(last)?)),
        None => number(text).map(|number| (number, number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: LensTraits = LensTraits {
        range: None,
        max_aperture: None,
        focal_length: None,
    };

    #[test]
    fn tables_are_sorted_for_the_binary_search() {
        let tables = [
            canon::EF,
            canon::RF,
            pentax::PENTAX,
            a_mount::A_MOUNT,
            sigma::SIGMA,
            samsung::SAMSUNG,
            olympus::FOUR_THIRDS,
            leica::BY_CODE,
            leica::BY_CODE_AND_FRAME,
        ];
        for table in tables {
            assert!(table.is_sorted_by_key(|entry| entry.0));
        }
        assert!(nikon::NIKON.is_sorted_by_key(|entry| entry.0));
    }

    #[test]
    fn names_have_their_focal_lengths_and_apertures() {
        let range = |name| named_range(name).map(|r| (r.shortest, r.longest, r.wide, r.tele));
        for (name, wanted) in [
            ("Canon EF 50mm f/1.8", (50.0, 50.0, 1.8, 1.8)),
            ("Canon EF 180mm Macro f/3.5L USM", (180.0, 180.0, 3.5, 3.5)),
            ("Sigma 20mm EX f/1.8", (20.0, 20.0, 1.8, 1.8)),
            ("Sigma 14-24mm f/2.8 DG HSM | A", (14.0, 24.0, 2.8, 2.8)),
            ("DT 18-55mm F3.5-5.6 SAM", (18.0, 55.0, 3.5, 5.6)),
            (
                "Tokina AT-X 11-20 F2.8 PRO DX Aspherical 11-20mm f/2.8",
                (11.0, 20.0, 2.8, 2.8),
            ),
            (
                "Canon RF 5.2mm F2.8L Dual Fisheye 3D VR",
                (5.2, 5.2, 2.8, 2.8),
            ),
        ] {
            assert_eq!(range(name), Some(wanted), "{name}");
        }
        for name in ["Canon EF", "Canon CN-E 14mm T3.1 L F", "50mm", "mm f/2", ""] {
            assert_eq!(range(name), None, "{name}");
        }
    }

    #[test]
    fn a_number_of_several_canon_lenses_is_decided_by_range_and_aperture() {
        let name = |number, range, aperture| {
            let traits = LensTraits {
                range: Some(range),
                max_aperture: aperture,
                focal_length: None,
            };
            canon_lens_name(number, &traits)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            name(152, (300.0, 300.0), None),
            text("Canon EF 300mm f/4L IS USM")
        );
        assert_eq!(
            name(152, (14.0, 14.0), Some(2.8)),
            text("Sigma 14mm f/2.8 EX Aspherical HSM")
        );
        assert_eq!(
            name(152, (100.0, 300.0), Some(4.0)),
            text("Sigma 100-300mm f/4")
        );
        // With a teleconverter.
        assert_eq!(
            name(152, (420.0, 420.0), None),
            text("Canon EF 300mm f/4L IS USM + 1.4x")
        );
        assert_eq!(
            name(237, (147.0, 588.0), None),
            text("Canon EF 24-105mm f/4L IS USM")
        );
        assert_eq!(
            name(149, (200.0, 200.0), None),
            text("Canon EF 100mm f/2 USM + 2x")
        );
        // Two lenses with the same numbers.
        assert_eq!(name(251, (70.0, 200.0), Some(2.8)), None);
        // No lens with these numbers.
        assert_eq!(name(152, (50.0, 50.0), None), None);
        assert_eq!(name(65_535, (18.0, 55.0), None), None);
    }

    #[test]
    fn a_shared_number_without_a_range_is_decided_by_the_focal_length() {
        let traits = |focal_length, max_aperture| LensTraits {
            range: None,
            max_aperture,
            focal_length: Some(focal_length),
        };
        let pentax = |traits| pentax_lens_name(3, 44, &traits);
        assert_eq!(
            pentax(traits(10.0, Some(4.0))).as_deref(),
            Some("Sigma AF 10-20mm F4-5.6 EX DC")
        );
        assert_eq!(pentax(traits(1_000.0, None)), None);
        assert_eq!(pentax(EMPTY), None);
    }

    #[test]
    fn the_nearest_aperture_at_the_focal_length_decides() {
        let lenses = [
            (1, "18-50mm F3.5-5.6"),
            (1, "18-50mm F2.8-4"),
            (1, "50mm F3.9"),
        ];
        let name = |lenses: &LensTable, focal_length, max_aperture| {
            let traits = LensTraits {
                range: None,
                max_aperture: Some(max_aperture),
                focal_length: Some(focal_length),
            };
            choose_by_use(lenses, &traits)
        };
        let two = lenses.get(..2).expect("two");
        assert_eq!(name(two, 50.0, 4.0).as_deref(), Some("18-50mm F2.8-4"));
        assert_eq!(name(two, 18.0, 3.5).as_deref(), Some("18-50mm F3.5-5.6"));
        // Two lenses fit equally well.
        assert_eq!(name(&lenses, 50.0, 4.0), None);
    }

    #[test]
    fn a_lens_specification_decides_between_lenses_of_the_a_mount() {
        let name = |number, specification| a_mount_lens_name(number, &EMPTY, specification);
        assert_eq!(
            name(128, Some("10-20mm F3.5 SAM")).as_deref(),
            Some("Sigma 10-20mm F3.5 EX DC HSM")
        );
        assert_eq!(name(128, Some("11-22mm F3.5")), None);
        assert_eq!(name(128, None), None);
        assert_eq!(
            name(1, Some("no text of this form")).as_deref(),
            Some("Minolta AF 80-200mm F2.8 HS-APO G")
        );
    }

    #[test]
    fn other_lenses_are_found_by_their_numbers() {
        assert_eq!(
            nikon_lens_name(0x7f40_2d5c_2c34_8406).as_deref(),
            Some("AF-S DX Zoom-Nikkor 18-70mm f/3.5-4.5G IF-ED")
        );
        assert_eq!(nikon_lens_name(0x7f40_2d5c_2c34_8407), None);
        let mut pairs = nikon::NIKON.windows(2);
        let shared = pairs.find(|pair| pair[0].0 == pair[1].0).expect("a pair");
        assert_eq!(nikon_lens_name(shared[0].0), None);
        assert_eq!(
            four_thirds_lens_name(0x00_05_00).as_deref(),
            Some("Olympus Zuiko Digital 14-54mm F2.8-3.5")
        );
        assert_eq!(
            samsung_lens_name(2).as_deref(),
            Some("Samsung NX 18-55mm F3.5-5.6 OIS")
        );
        assert_eq!(
            canon_rf_lens_name(258).as_deref(),
            Some("Canon RF 24-105mm F4L IS USM")
        );
        assert_eq!(
            leica_lens_name(6 << 2).as_deref(),
            Some("Summilux-M 35mm f/1.4")
        );
        assert_eq!(
            leica_lens_name(6 << 2 | 1).as_deref(),
            Some("Summicron-M 35mm f/2 (IV)")
        );
        assert_eq!(leica_lens_name(0), None);
    }
}
