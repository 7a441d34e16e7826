//! The public view decides what the public may see of a photo, and in which form.
//!
//! Lists, single photos and pictures all come from [`PublicView`]. No handler reads a stored field
//! itself.
//!
//! The view is an allow-list. It copies stored records field by field, so a new field is public
//! only after it is named here. These are never public: serial numbers, owners, contacts, maker
//! notes, source buckets and keys, ETags of parts, any location or place that the location policy
//! hides, and any names of people that the people policy hides.
//!
//! # Adding a public field
//!
//! A new public field of a photo is three edits:
//!
//! 1. the field itself, in `PhotoRecord` (crates/photo-metadata/src/record.rs);
//! 2. the code that reads it from the tags (crates/photo-metadata/src/normalise.rs);
//! 3. the allow-list: `public_record` in this file.
//!
//! Without the third edit the code does not compile, because `public_record` names every field. The
//! parameter `fields` and the OpenAPI document follow from the type. A test fails until
//! schema/photo.schema.json describes the new field.

mod clean_text;
mod cluster_point;
mod license_name;
mod rounding;
mod tags;

use std::ops::Range;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

pub(crate) use clean_text::clean_text;
pub(crate) use cluster_point::GEOHASH_DIGITS;
use license_name::license_name;
use rounding::round_measured;

use crate::archive::SidecarKind;
use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::photo_id::{photo_slug, short_digest};
use crate::pictures::{ORIGINAL_NAME, PictureSet, RenditionFile, picture_path};
use crate::privacy::{LocationPolicy, PeoplePolicy, Privacy, Visibility};
use crate::strip::{AddedMetadata, StripFormat};
use crate::summary::Summary;
use photo_metadata::{
    Camera, CaptureTime, Exposure, Lens, Location, OffsetSource, PhotoRecord, Place, Tags,
};

/// The media type of a JPEG.
const JPEG_MIME: &str = "image/jpeg";

/// The rules about what the public may see of photos.
// publish stores a digest of the Debug form as a fingerprint. When the fingerprint changes, publish
// rebuilds all months. A renamed field or variant changes it too.
#[derive(Debug, Clone)]
pub struct PublicView {
    privacy: Privacy,
    /// The URL of the static gallery files, without a slash at its end. The pictures are below it.
    gallery_url: Option<String>,
}

/// Returns the names of the fields of a photo in a list, in their order. The details of a photo
/// have one more field, `tags`.
pub(crate) fn list_fields() -> &'static [String] {
    static FIELDS: LazyLock<Vec<String>> = LazyLock::new(|| {
        // Every field is serialised, even if it is empty.
        match serde_json::to_value(ListedPhoto::default()) {
            Ok(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    });
    &FIELDS
}

/// A photo in a list, as the public sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedPhoto {
    id: String,
    stem: String,
    slug: String,
    name: String,
    kind: String,
    version: String,
    added_at: Option<DateTime<Utc>>,
    changed_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    record: PhotoRecord,
    license: Option<String>,
    images: Vec<PublicImage>,
    placeholder: Option<String>,
    color: Option<String>,
    alt: Option<String>,
}

impl ListedPhoto {
    /// Returns the public record of the photo.
    pub(crate) fn record(&self) -> &PhotoRecord {
        &self.record
    }

    /// Returns the stem of the photo.
    pub(crate) fn stem(&self) -> &str {
        &self.stem
    }

    /// Returns the photo as a GeoJSON point [RFC 7946, 3.2], or `None` if its location is not
    /// published.
    pub(crate) fn to_geojson_feature(&self) -> Option<Value> {
        let location = self.record.location.as_ref()?;
        let mut coordinates = vec![location.lon, location.lat];
        coordinates.extend(location.alt);
        Some(serde_json::json!({
            "type": "Feature",
            "id": self.id,
            "geometry": { "type": "Point", "coordinates": coordinates },
            "properties": {
                "stem": self.stem,
                "date": self.record.capture.day(),
                "takenAtLocal": self.record.capture.local_text(),
                "title": self.record.title,
                "image": self.images.first(),
            },
        }))
    }
}

/// A link to a photo: what a page needs to show the photo small, with a link to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PhotoLink {
    id: String,
    slug: String,
    stem: String,
    title: Option<String>,
    alt: Option<String>,
    images: Vec<PublicImage>,
    placeholder: Option<String>,
    color: Option<String>,
}

impl From<ListedPhoto> for PhotoLink {
    fn from(listed: ListedPhoto) -> Self {
        PhotoLink {
            id: listed.id,
            slug: listed.slug,
            stem: listed.stem,
            title: listed.record.title,
            alt: listed.alt,
            images: listed.images,
            placeholder: listed.placeholder,
            color: listed.color,
        }
    }
}

/// The details of a photo, as the public sees them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PhotoDetails {
    #[serde(flatten)]
    listed: ListedPhoto,
    tags: Tags,
}

/// A picture of a photo, as the public sees it. Every browser can show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PublicImage {
    url: String,
    width: u32,
    height: u32,
    mime: &'static str,
    bytes: u64,
    kind: ImageKind,
}

/// The kind of a picture of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum ImageKind {
    /// A web-size picture that render has made.
    Rendition,
    /// A stripped copy of the original in full size.
    Original,
}

/// The part of an archived file that its owner wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureKind {
    /// The file itself.
    Original,
    /// The JPEG that is embedded in the file.
    Preview,
}

/// The result of the search for a picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PictureAccess {
    /// The picture may be served after it was stripped.
    Servable(Box<ServablePicture>),
    /// The file belongs to a public photo, but its format cannot be stripped.
    NotStrippable,
    /// There is no such public picture.
    Absent,
}

/// A picture that may be served, and how it must be stripped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServablePicture {
    /// The archive key of the file.
    pub(crate) key: String,
    /// The ETag that the file had when its metadata was read.
    pub(crate) etag: String,
    /// The media type of the picture that is served.
    pub(crate) mime: String,
    /// The file name under which a browser saves the picture.
    pub(crate) file_name: String,
    /// The part of the file that is a picture.
    pub(crate) source: PictureSource,
    /// The metadata that the stripped picture gets.
    pub(crate) added: AddedMetadata,
}

/// The part of a file that is a picture. Everything else in the file is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PictureSource {
    /// The whole file, which has this format.
    File(StripFormat),
    /// The JPEG in this byte range of the file.
    Preview(Range<u64>),
}

impl PublicView {
    /// Creates a view that hides what `privacy` requires. `gallery_url` is the URL of the static
    /// gallery files. The URLs of the pictures begin with it. If it is `None`, no picture is
    /// listed.
    ///
    /// ```
    /// use photo_catalogue::privacy::LocationPolicy;
    /// use photo_catalogue::view::PublicView;
    ///
    /// let url = "https://photos.example.org/gallery/".to_owned();
    /// let view = PublicView::new(LocationPolicy::Exact, Some(url));
    /// # let _ = view;
    /// ```
    pub fn new(privacy: impl Into<Privacy>, gallery_url: Option<String>) -> Self {
        PublicView {
            privacy: privacy.into(),
            gallery_url: gallery_url.map(|url| url.trim_end_matches('/').to_owned()),
        }
    }

    /// Returns a photo as lists show it at the time `now`. Returns `None` if the present rules make
    /// the photo private, or if it waits for its pictures. The rules may have changed since the
    /// photo was indexed.
    ///
    /// The caller must pass a summary from a public partition of an index. The rules for source
    /// keys are not applied here, because a summary has no source keys. These rules were applied
    /// when the photo was indexed, and determined the partition.
    pub(crate) fn show_in_list(
        &self,
        summary: &Summary,
        now: DateTime<Utc>,
    ) -> Option<ListedPhoto> {
        let is_shown = self.would_show(summary) && !summary.awaits_pictures(now);
        is_shown.then(|| self.redact_summary(summary))
    }

    /// Returns the time from which lists show a photo without pictures. Returns `None` if they show
    /// it at the time `now`, or if the present rules make it private.
    pub(crate) fn waits_until(
        &self,
        summary: &Summary,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let waits = summary.awaits_pictures(now) && self.would_show(summary);
        summary.awaited_until.filter(|_| waits)
    }

    /// Reports whether the present rules make a photo public.
    fn would_show(&self, summary: &Summary) -> bool {
        let reason = summary.decide_visibility(&self.privacy.visibility);
        reason.visibility() == Visibility::Public
    }

    /// Reports whether lists show the same of two summaries of a photo, except for the version and
    /// the times.
    pub(crate) fn shows_same(&self, one: &Summary, other: &Summary) -> bool {
        let content = |summary: &Summary| ListedPhoto {
            version: String::new(),
            added_at: None,
            changed_at: None,
            ..self.redact_summary(summary)
        };
        content(one) == content(other)
    }

    /// Returns the public fields of a summary.
    fn redact_summary(&self, summary: &Summary) -> ListedPhoto {
        let Summary {
            id,
            stem,
            name,
            kind,
            version,
            record,
            added_at,
            changed_at,
            pictures,
            awaited_until: _,
            visibility: _,
            labels: _,
            held_for: _,
            folders: _,
            removed_keywords: _,
            private_reason: _,
        } = summary;
        ListedPhoto {
            id: clean_text(id),
            stem: clean_text(stem),
            slug: photo_slug(stem),
            name: clean_text(name),
            kind: clean_text(kind),
            version: clean_text(version),
            added_at: *added_at,
            changed_at: *changed_at,
            record: self.public_record(record),
            license: record.license_url.as_deref().and_then(license_name),
            images: self.public_images(pictures.as_deref()),
            placeholder: pictures.as_ref().map(|set| clean_text(&set.placeholder)),
            color: pictures.as_ref().map(|set| clean_text(&set.color)),
            alt: alternative_text(record),
        }
    }

    /// Returns the public fields of a record. Every field is named in the pattern and in the
    /// result, so a new field does not compile until it is added here.
    fn public_record(&self, record: &PhotoRecord) -> PhotoRecord {
        let PhotoRecord {
            capture,
            width,
            height,
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
            film_simulation,
            drive_mode,
        } = record;
        let text = |text: &Option<String>| text.as_deref().map(clean_text);
        let texts = |texts: &[String]| texts.iter().map(|text| clean_text(text)).collect();
        PhotoRecord {
            capture: self.public_capture(capture, location.as_ref()),
            width: *width,
            height: *height,
            camera: camera.as_ref().map(public_camera),
            lens: lens.as_ref().map(public_lens),
            exposure: public_exposure(exposure),
            location: location
                .as_ref()
                .and_then(|location| self.public_location(location)),
            place: place
                .as_ref()
                .and_then(|place| self.public_place(place, location.as_ref())),
            title: text(title),
            headline: text(headline),
            caption: text(caption),
            alt_text: text(alt_text),
            extended_description: text(extended_description),
            keywords: texts(keywords),
            people: match self.privacy.people {
                PeoplePolicy::Show => texts(people),
                PeoplePolicy::Hide => Vec::new(),
            },
            event: text(event),
            label: text(label),
            rating: *rating,
            artist: text(artist),
            credit: text(credit),
            copyright: text(copyright),
            license_url: text(license_url),
            usage_terms: text(usage_terms),
            film_simulation: text(film_simulation),
            drive_mode: text(drive_mode),
        }
    }

    /// Returns the published names of a place, or `None` if none is published. `location` is the
    /// recorded location of the photo.
    fn public_place(&self, place: &Place, location: Option<&Location>) -> Option<Place> {
        let Place {
            sublocation,
            city,
            region,
            country,
            country_code,
        } = self.privacy.redact_place(place, location)?;
        let text = |text: Option<String>| text.as_deref().map(clean_text);
        Some(Place {
            sublocation: text(sublocation),
            city: text(city),
            region: text(region),
            country: text(country),
            country_code: text(country_code),
        })
    }

    /// Returns the public form of a capture time. `location` is the recorded location of the photo.
    ///
    /// An offset from the GPS time shows the time zone of the place, so it is left out unless the
    /// place itself is published. An offset that the camera wrote stays.
    fn public_capture(&self, capture: &CaptureTime, location: Option<&Location>) -> CaptureTime {
        let CaptureTime {
            local,
            offset,
            date_source,
            offset_source,
        } = *capture;
        let is_shown = match offset_source {
            Some(OffsetSource::GpsTimeStamp) => self.privacy.allows_gps_facts(location),
            Some(
                OffsetSource::OffsetTimeOriginal
                | OffsetSource::OffsetTimeDigitized
                | OffsetSource::OffsetTime
                | OffsetSource::MakerNote
                | OffsetSource::Date(_),
            ) => true,
            // A stored offset whose source is unknown may come from the GPS time.
            None => self.privacy.allows_gps_facts(location),
        };
        CaptureTime {
            local,
            offset: offset.filter(|_| is_shown),
            date_source,
            offset_source: offset_source.filter(|_| is_shown),
        }
    }

    /// Returns the details of a photo at the time `now`: the fields that lists show, and its public
    /// tags. Returns `None` if the photo is private or waits for its pictures, if the item is a
    /// stub, or if all its files have been removed.
    pub(crate) fn show_details(
        &self,
        item: &PhotoItem,
        now: DateTime<Utc>,
    ) -> Option<PhotoDetails> {
        let is_shown = self.is_public(item) && item.is_listed(now);
        let summary = item.summary.as_ref().filter(|_| is_shown)?;
        Some(PhotoDetails {
            listed: self.redact_summary(summary),
            tags: tags::public_tags(&item.exif, self.shows_gps_tags(item, summary)),
        })
    }

    /// Returns a file of a photo for its owner, and how it must be stripped. `part` is the
    /// extension of the file. `kind` selects the file itself or the preview inside it. Only files
    /// of some formats can be stripped. The file of a private photo is not servable.
    pub(crate) fn find_picture(
        &self,
        item: &PhotoItem,
        part: &str,
        kind: PictureKind,
    ) -> PictureAccess {
        let summary = item.summary.as_ref().filter(|_| self.is_public(item));
        let is_photo = SidecarKind::of_part(part).is_none();
        let live = item
            .parts
            .get(part)
            .filter(|part| part.is_live() && is_photo);
        let (Some(summary), Some(live)) = (summary, live) else {
            return PictureAccess::Absent;
        };
        let PhotoPart {
            key,
            etag,
            mime,
            preview: embedded,
            ..
        } = live;
        let file_name = clean_text(key.rsplit('/').next().unwrap_or(key));
        let position = self.published_location(summary);
        let picture = |mime: &str, file_name, source, orientation| {
            PictureAccess::Servable(Box::new(ServablePicture {
                key: key.clone(),
                etag: etag.clone(),
                mime: mime.to_owned(),
                file_name,
                source,
                added: AddedMetadata {
                    orientation,
                    position,
                },
            }))
        };
        if kind == PictureKind::Preview {
            let range = embedded.as_ref().and_then(|preview| {
                let end = preview.offset.checked_add(preview.length)?;
                Some(preview.offset..end)
            });
            return range.map_or(PictureAccess::Absent, |range| {
                let file_name = format!("{file_name}.preview.jpg");
                // The orientation of a RAW also applies to the JPEG in it.
                let orientation = item.photo.orientation;
                picture(
                    JPEG_MIME,
                    file_name,
                    PictureSource::Preview(range),
                    orientation,
                )
            });
        }
        match StripFormat::from_mime(mime) {
            Some(format) => picture(mime, file_name, PictureSource::File(format), None),
            None => PictureAccess::NotStrippable,
        }
    }

    /// Reports whether the location policy publishes any locations.
    pub(crate) fn publishes_locations(&self) -> bool {
        self.privacy.location != LocationPolicy::Hide
    }

    /// Returns the largest possible difference between a location and its published form, in
    /// degrees.
    pub(crate) fn max_rounding_degrees(&self) -> f64 {
        self.privacy.location.max_rounding_degrees()
    }

    /// Returns a digest of the location policy and the home zones. If photos were counted by cell
    /// under another digest, the counts may reveal more or less than this view allows.
    pub(crate) fn location_policy_fingerprint(&self) -> String {
        let Privacy {
            location,
            home_zones,
            ..
        } = &self.privacy;
        // A digest, because home zones must not be revealed.
        short_digest(format!("{location:?} {home_zones:?}").as_bytes())
    }

    /// Returns a digest of all rules about what is private. What was counted under another digest
    /// may reveal more than this view allows.
    pub(crate) fn privacy_fingerprint(&self) -> String {
        short_digest(format!("{:?}", self.privacy).as_bytes())
    }

    /// Reports whether a point is in a home zone.
    pub(crate) fn is_in_home_zone(&self, point: &Location) -> bool {
        self.privacy.home_zones.contains(point)
    }

    /// Reports whether the tags of a photo that name a place may be shown as they were recorded.
    fn shows_recorded_places(&self, summary: &Summary) -> bool {
        self.privacy
            .shows_recorded_places(summary.record.location.as_ref())
    }

    /// Reports whether the GPS tags of a photo are public: its location is published without a
    /// change, and the tags have this location. They may have another one, if the location is from
    /// XMP or from a sidecar.
    fn shows_gps_tags(&self, item: &PhotoItem, summary: &Summary) -> bool {
        let location = summary.record.location.as_ref();
        self.shows_recorded_places(summary) && tags::have_location(&item.exif, location)
    }

    /// Reports whether a photo is public. The index keys and the present rules must both allow it.
    fn is_public(&self, item: &PhotoItem) -> bool {
        let reason = item.decide_visibility(&self.privacy.visibility);
        item.is_public() && reason.visibility() == Visibility::Public
    }

    /// Returns the published location of a photo, or `None` if none is published. Filters must
    /// compare this location. A filter by the exact location would reveal the exact location.
    pub(crate) fn published_location(&self, summary: &Summary) -> Option<Location> {
        summary
            .record
            .location
            .as_ref()
            .and_then(|location| self.public_location(location))
    }

    /// Returns the published form of a location, or `None` if the location policy hides it.
    fn public_location(&self, location: &Location) -> Option<Location> {
        let Location {
            lat,
            lon,
            alt,
            precision,
            direction,
            speed,
            timestamp,
        } = self.privacy.redact_location(location)?;
        Some(Location {
            lat,
            lon,
            alt: alt.map(round_measured),
            precision,
            direction: direction.map(round_measured),
            speed: speed.map(round_measured),
            timestamp: timestamp.as_deref().map(clean_text),
        })
    }

    /// Returns the pictures of a photo with their URLs, the largest first.
    fn public_images(&self, pictures: Option<&PictureSet>) -> Vec<PublicImage> {
        let (Some(base), Some(set)) = (&self.gallery_url, pictures) else {
            return Vec::new();
        };
        let token = clean_text(&set.token);
        let image = |file: &RenditionFile, name: &str, kind| PublicImage {
            url: format!("{base}/{}", picture_path(&token, name)),
            width: file.width,
            height: file.height,
            mime: JPEG_MIME,
            bytes: file.bytes,
            kind,
        };
        let original = set.original.as_ref();
        let original = original.map(|file| image(file, ORIGINAL_NAME, ImageKind::Original));
        let renditions = set.files.iter();
        let renditions = renditions.map(|file| image(file, &file.name(), ImageKind::Rendition));
        original.into_iter().chain(renditions).collect()
    }
}

/// Returns the text that a page shows instead of the picture: the alternative text of the photo, or
/// its title, or its caption.
fn alternative_text(record: &PhotoRecord) -> Option<String> {
    let texts = [&record.alt_text, &record.title, &record.caption];
    texts
        .into_iter()
        .flatten()
        .next()
        .map(|text| clean_text(text))
}

fn public_camera(camera: &Camera) -> Camera {
    let Camera {
        slug,
        name,
        make,
        model,
    } = camera;
    Camera {
        slug: clean_text(slug),
        name: clean_text(name),
        make: make.as_deref().map(clean_text),
        model: model.as_deref().map(clean_text),
    }
}

fn public_lens(lens: &Lens) -> Lens {
    let Lens {
        slug,
        name,
        make,
        model,
    } = lens;
    Lens {
        slug: clean_text(slug),
        name: clean_text(name),
        make: make.as_deref().map(clean_text),
        model: model.as_deref().map(clean_text),
    }
}

fn public_exposure(exposure: &Exposure) -> Exposure {
    let Exposure {
        time,
        seconds,
        f_number,
        iso,
        focal_length,
        focal_length35,
        bias,
        flash,
    } = exposure;
    Exposure {
        time: time.as_deref().map(clean_text),
        seconds: seconds.map(round_measured),
        f_number: f_number.map(round_measured),
        iso: *iso,
        focal_length: focal_length.map(round_measured),
        focal_length35: focal_length35.map(round_measured),
        bias: bias.map(round_measured),
        flash: *flash,
    }
}

#[cfg(test)]
mod tests;
