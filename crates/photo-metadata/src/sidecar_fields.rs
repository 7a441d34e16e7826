//! Applies the record of an XMP sidecar to the record of its photo, field by field.

use super::boilerplate::{CameraNames, is_boilerplate};
use super::date_kind::apply_xmp_date;
use super::location::Location;
use super::record::{Camera, Exposure, Lens, PhotoRecord};

/// The greatest distance in degrees of two positions that are the same: about a metre. Programs
/// round a position when they write it.
const SAME_POSITION_DEGREES: f64 = 1e-5;
/// The greatest ISO speed that EXIF has room for. It means "at least 65535" (EXIF 3.0 4.6.6.7.6).
const MAX_EXIF_ISO: u32 = 65_535;

/// Applies the record of an XMP sidecar. Each field that the sidecar has replaces that of the
/// photo.
pub(crate) fn apply_xmp_record(sidecar: &PhotoRecord, record: &mut PhotoRecord) {
    // All fields are named, so that a new field needs a decision here.
    let PhotoRecord {
        capture,
        // The size belongs to the picture in the file.
        width: _,
        height: _,
        camera,
        lens,
        exposure,
        location,
        place,
        title,
        headline,
        caption,
        alt_text,
        extended_description,
        keywords,
        people,
        event,
        label,
        rating,
        artist,
        credit,
        copyright,
        license_url,
        usage_terms,
        // They come from maker notes, which XMP does not have.
        film_simulation: _,
        drive_mode: _,
    } = sidecar;
    apply_xmp_date(&mut record.capture, capture);
    apply_camera(&mut record.camera, camera.as_ref());
    apply_lens(&mut record.lens, lens.as_ref());
    apply_exposure(&mut record.exposure, exposure);
    apply_location(&mut record.location, location.as_ref());
    // A place is replaced as a whole, because the names of two places do not make a third one.
    replace(&mut record.place, place);
    let names = camera_names(record.camera.as_ref());
    let written = |text: &Option<String>| {
        let text = text.as_ref();
        text.filter(|text| !is_boilerplate(text, names)).cloned()
    };
    let texts = [title, headline, caption, alt_text, extended_description].map(written);
    let [title, headline, caption, alt_text, extended_description] = &texts;
    replace(&mut record.title, title);
    replace(&mut record.headline, headline);
    replace(&mut record.caption, caption);
    replace(&mut record.alt_text, alt_text);
    replace(&mut record.extended_description, extended_description);
    replace_list(&mut record.keywords, keywords);
    replace_list(&mut record.people, people);
    replace(&mut record.event, event);
    replace(&mut record.label, label);
    replace(&mut record.rating, rating);
    replace(&mut record.artist, artist);
    replace(&mut record.credit, credit);
    replace(&mut record.copyright, copyright);
    replace(&mut record.license_url, license_url);
    replace(&mut record.usage_terms, usage_terms);
}

/// Returns the maker and the model of a camera. A text that consists of them is a boilerplate.
pub(crate) fn camera_names(camera: Option<&Camera>) -> CameraNames<'_> {
    CameraNames {
        make: camera.and_then(|camera| camera.make.as_deref()),
        model: camera.and_then(|camera| camera.model.as_deref()),
    }
}

fn replace<T: Clone>(value: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        value.clone_from(new);
    }
}

fn replace_list(list: &mut Vec<String>, new: &[String]) {
    if !new.is_empty() {
        *list = new.to_vec();
    }
}

/// Replaces the camera, unless the new one is the same with fewer details: without its maker, or
/// without its model.
fn apply_camera(camera: &mut Option<Camera>, new: Option<&Camera>) {
    let Some(new) = new else {
        return;
    };
    let has_more = camera.as_ref().is_some_and(|known| match &new.model {
        None => known.model.is_some(),
        model => new.make.is_none() && &known.model == model,
    });
    if !has_more {
        *camera = Some(new.clone());
    }
}

/// Replaces the lens, unless the new one is the same without its maker.
fn apply_lens(lens: &mut Option<Lens>, new: Option<&Lens>) {
    let Some(new) = new else {
        return;
    };
    let has_more = lens
        .as_ref()
        .is_some_and(|known| new.make.is_none() && known.model == new.model);
    if !has_more {
        *lens = Some(new.clone());
    }
}

/// Replaces each value that the sidecar has.
fn apply_exposure(exposure: &mut Exposure, new: &Exposure) {
    let Exposure {
        time,
        seconds,
        f_number,
        iso,
        focal_length,
        focal_length35,
        bias,
        flash,
    } = new;
    // The text of the photo may be the fraction of the camera, such as 1/3. XMP gives 0.3.
    let is_same_time = exposure.seconds.zip(*seconds).is_some_and(|(known, new)| {
        let difference = (known - new).abs();
        difference <= known.abs() * 1e-3
    });
    if seconds.is_some() && !is_same_time {
        exposure.seconds = *seconds;
        exposure.time.clone_from(time);
    }
    let is_less_exact = *iso == Some(MAX_EXIF_ISO) && exposure.iso > *iso;
    if !is_less_exact {
        replace(&mut exposure.iso, iso);
    }
    replace(&mut exposure.f_number, f_number);
    replace(&mut exposure.focal_length, focal_length);
    replace(&mut exposure.focal_length35, focal_length35);
    replace(&mut exposure.bias, bias);
    replace(&mut exposure.flash, flash);
}

/// Replaces the position. If the new position is the same, the altitude and the other facts of the
/// receiver stay where the sidecar has none. They do not belong to another position.
fn apply_location(location: &mut Option<Location>, new: Option<&Location>) {
    let Some(mut new) = new.cloned() else {
        return;
    };
    let is_close = |one: f64, other: f64| (one - other).abs() <= SAME_POSITION_DEGREES;
    let same = location
        .take()
        .filter(|known| is_close(known.lat, new.lat) && is_close(known.lon, new.lon));
    if let Some(known) = same {
        new.alt = new.alt.or(known.alt);
        new.direction = new.direction.or(known.direction);
        new.speed = new.speed.or(known.speed);
        new.timestamp = new.timestamp.or(known.timestamp);
    }
    *location = Some(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(make: Option<&str>, model: Option<&str>) -> Option<Camera> {
        crate::camera::make_camera(make.map(str::to_owned), model.map(str::to_owned))
    }

    #[test]
    fn camera_with_fewer_details_does_not_replace_the_same_one() {
        let nikon = camera(Some("NIKON CORPORATION"), Some("NIKON D750"));
        let applied = |new: Option<Camera>| {
            let mut known = nikon.clone();
            apply_camera(&mut known, new.as_ref());
            known.map(|camera| camera.slug)
        };
        let slug = |text: &str| Some(text.to_owned());
        assert_eq!(applied(None), slug("nikon-d750"));
        assert_eq!(applied(camera(Some("NIKON"), None)), slug("nikon-d750"));
        let model_only = camera(None, Some("NIKON D750"));
        assert_eq!(applied(model_only), slug("nikon-d750"));
        let other = camera(None, Some("X-T3"));
        assert_eq!(applied(other), slug("x-t3"));
        let mut none = None;
        apply_camera(&mut none, camera(Some("Canon"), None).as_ref());
        assert_eq!(none.map(|camera| camera.slug), slug("canon"));
    }

    #[test]
    fn lens_keeps_its_maker() {
        let lens = |make: Option<&str>, model: &str| {
            crate::camera::make_lens(make.map(str::to_owned), Some(model.to_owned()))
        };
        let mut known = lens(Some("Canon"), "RF 50mm");
        apply_lens(&mut known, lens(None, "RF 50mm").as_ref());
        assert_eq!(known, lens(Some("Canon"), "RF 50mm"));
        apply_lens(&mut known, lens(None, "RF 35mm").as_ref());
        assert_eq!(known, lens(None, "RF 35mm"));
    }

    #[test]
    fn exposure_that_is_the_same_keeps_its_text() {
        let mut exposure = Exposure {
            time: Some("1/3".to_owned()),
            seconds: Some(1.0 / 3.0),
            iso: Some(102_400),
            bias: Some(0.5),
            ..Exposure::default()
        };
        let new = Exposure {
            time: Some("0.3".to_owned()),
            seconds: Some(0.333_333),
            iso: Some(MAX_EXIF_ISO),
            f_number: Some(2.8),
            ..Exposure::default()
        };
        apply_exposure(&mut exposure, &new);
        assert_eq!(exposure.time.as_deref(), Some("1/3"));
        assert_eq!(
            (exposure.iso, exposure.f_number, exposure.bias),
            (Some(102_400), Some(2.8), Some(0.5))
        );
        let other = Exposure {
            time: Some("1/250".to_owned()),
            seconds: Some(0.004),
            iso: Some(100),
            ..Exposure::default()
        };
        apply_exposure(&mut exposure, &other);
        assert_eq!(
            (exposure.time.as_deref(), exposure.iso),
            (Some("1/250"), Some(100))
        );
    }

    #[test]
    fn altitude_belongs_to_its_position() {
        let location = |lat, alt| Location {
            lat,
            lon: 10.0,
            alt,
            ..Location::default()
        };
        let mut known = Some(location(50.0, Some(31.0)));
        apply_location(&mut known, Some(&location(50.000_001, None)));
        assert_eq!(known, Some(location(50.000_001, Some(31.0))));
        apply_location(&mut known, None);
        assert!(known.is_some());
        apply_location(&mut known, Some(&location(51.0, None)));
        assert_eq!(known, Some(location(51.0, None)));
    }
}
