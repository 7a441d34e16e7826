//! The requests of the measurement.

use bench::Vocabulary;
use fastrand::Rng;
use photo_catalogue::photo_id::PhotoId;

use crate::example_library::{
    ALBUMS, CAMERAS, FIRST_YEAR, LENSES, PLACES, YEARS, example_photo, photo_stem, place,
};

/// The goal for the 99th percentile of a list, in milliseconds.
const LIST_GOAL: f64 = 25.0;
/// The goal for the 99th percentile of a timeline with a filter, in milliseconds.
const TIMELINE_GOAL: f64 = 15.0;

/// A route of the gallery with certain parameters.
pub(crate) struct Route {
    /// The name in the report.
    pub(crate) name: &'static str,
    /// Returns the path of a random request.
    path: fn(&mut RandomPaths) -> String,
    /// `true` if the requests are for the second page of a list.
    pub(crate) is_second_page: bool,
}

impl Route {
    const fn new(name: &'static str, path: fn(&mut RandomPaths) -> String) -> Self {
        Route {
            name,
            path,
            is_second_page: false,
        }
    }

    const fn second_page(name: &'static str, path: fn(&mut RandomPaths) -> String) -> Self {
        Route {
            is_second_page: true,
            ..Route::new(name, path)
        }
    }

    /// Returns the goal for the 99th percentile, in milliseconds.
    pub(crate) fn goal_ms(&self) -> f64 {
        let is_timeline = self.name.starts_with("timeline of");
        if is_timeline {
            TIMELINE_GOAL
        } else {
            LIST_GOAL
        }
    }

    /// Returns the paths of random requests over a catalogue of `size` photos. The same arguments
    /// give the same paths.
    pub(crate) fn paths(&self, size: u32, count: usize) -> Vec<String> {
        let random = Rng::with_seed(7);
        let mut paths = RandomPaths { size, random };
        (0..count).map(|_| (self.path)(&mut paths)).collect()
    }
}

/// The routes that are measured. Most paths ask for random dates, cameras, places, keywords or
/// photos.
pub(crate) const ROUTES: [Route; 46] = [
    Route::new("newest", |_| "/v1/photos".to_owned()),
    Route::new("a day", RandomPaths::day),
    Route::new("a month", RandomPaths::month),
    Route::new("a camera", RandomPaths::camera),
    Route::new("a camera, some years", RandomPaths::camera_years),
    Route::new("a lens", RandomPaths::lens),
    Route::new("a box", |paths| paths.bounding_box(0.02)),
    Route::new("a photo, without neighbours", |paths| {
        paths.photo("?fields=id")
    }),
    Route::new("timeline by month", |_| "/v1/timeline".to_owned()),
    Route::new("timeline by day", |_| "/v1/timeline?unit=day".to_owned()),
    Route::new("cameras", |_| "/v1/cameras".to_owned()),
    Route::new("map of the world", |_| "/v1/map".to_owned()),
    Route::new("a frequent keyword", |paths| paths.frequent("")),
    Route::second_page("the second page of it", |paths| paths.frequent("")),
    Route::new("200 photos of it", |paths| paths.frequent("&limit=200")),
    Route::new("a frequent keyword, oldest first", |paths| {
        paths.frequent("&order=oldest")
    }),
    Route::new("a rare keyword", RandomPaths::rare),
    Route::new("a parent of keywords", RandomPaths::parent),
    Route::new("a city", |paths| paths.place("/v1/photos?place=")),
    Route::new("a country", RandomPaths::country),
    Route::new("a rating", RandomPaths::rating),
    Route::new("one word", |paths| paths.search(1)),
    Route::new("two words", |paths| paths.search(2)),
    Route::new("the beginning of a word", RandomPaths::prefix),
    Route::new("an album by a rule", |paths| paths.album("rule", "")),
    Route::new("an album of 200 photos, in its order", |paths| {
        paths.album("list", "")
    }),
    Route::new("an album of 200 photos, newest first", |paths| {
        paths.album("list", "&order=newest")
    }),
    Route::new("added last", |_| "/v1/photos?order=added".to_owned()),
    Route::second_page("the second page of it, added last", |_| {
        "/v1/photos?order=added".to_owned()
    }),
    Route::new("a frequent keyword, added last", |paths| {
        paths.frequent("&order=added")
    }),
    Route::new("some years, added last", RandomPaths::years_added),
    Route::new("a camera and a lens", RandomPaths::camera_and_lens),
    Route::new(
        "a keyword and a camera, some years",
        RandomPaths::combination,
    ),
    Route::new("a box of 20 degrees", |paths| paths.bounding_box(10.0)),
    Route::new("on this day", RandomPaths::on_this_day),
    Route::new("5 at random", |_| "/v1/photos/random?limit=5".to_owned()),
    Route::new("5 at random, with a rating", |paths| {
        let stars = paths.random.u32(1..=5);
        format!("/v1/photos/random?limit=5&rating={stars}")
    }),
    Route::new("a photo and its neighbours", |paths| paths.photo("")),
    Route::new("its neighbours with a keyword", |paths| {
        let keyword = Vocabulary::new(&mut paths.random).frequent_keyword();
        paths.photo(&format!("?keyword={keyword}"))
    }),
    Route::new("keywords", |_| "/v1/keywords".to_owned()),
    Route::new("keywords of a camera", |paths| {
        format!("/v1/keywords?{}", paths.camera_parameter())
    }),
    Route::new("places with a rating", |paths| {
        format!("/v1/places?rating={}", paths.random.u32(1..=5))
    }),
    Route::new("albums", |_| "/v1/albums".to_owned()),
    Route::new("cameras of a keyword", |paths| {
        let keyword = Vocabulary::new(&mut paths.random).frequent_keyword();
        format!("/v1/cameras?keyword={keyword}")
    }),
    Route::new("timeline of a rating, by month", |paths| {
        format!("/v1/timeline?rating={}", paths.random.u32(1..=5))
    }),
    Route::new("timeline of a word, by day", |paths| {
        let word = Vocabulary::new(&mut paths.random).search_word();
        format!("/v1/timeline?unit=day&q={word}")
    }),
];

/// A generator of request paths for a gallery with `size` photos.
pub(crate) struct RandomPaths {
    size: u32,
    random: Rng,
}

impl RandomPaths {
    fn day(&mut self) -> String {
        let date = self.date();
        format!("/v1/photos?from={date}&to={date}")
    }

    fn month(&mut self) -> String {
        let date = self.date();
        let month = &date[..7];
        format!("/v1/photos?from={month}&to={month}")
    }

    fn camera(&mut self) -> String {
        format!("/v1/photos?{}", self.camera_parameter())
    }

    fn camera_years(&mut self) -> String {
        let year = FIRST_YEAR + self.random.u32(..YEARS - 5);
        let camera = self.camera_parameter();
        format!("/v1/photos?{camera}&from={year}-01-01&order=oldest")
    }

    fn lens(&mut self) -> String {
        format!("/v1/photos?{}", self.lens_parameter())
    }

    /// Returns the path for a box around a place. Its edges are `half` degrees from the place.
    fn bounding_box(&mut self, half: f64) -> String {
        let (lat, lon) = place(self.random.u32(..PLACES));
        let (west, south) = (lon - half, lat - half);
        let (east, north) = (lon + half, lat + half);
        format!("/v1/photos?bbox={west},{south},{east},{north}")
    }

    fn photo(&mut self, parameters: &str) -> String {
        let photo = example_photo(self.random.u32(..self.size), self.size);
        let id = PhotoId::from_stem(&photo_stem(&photo));
        format!("/v1/photos/{id}{parameters}")
    }

    fn frequent(&mut self, parameters: &str) -> String {
        let keyword = Vocabulary::new(&mut self.random).frequent_keyword();
        format!("/v1/photos?keyword={keyword}{parameters}")
    }

    fn rare(&mut self) -> String {
        let keyword = Vocabulary::new(&mut self.random).rare_keyword();
        format!("/v1/photos?keyword={keyword}")
    }

    fn parent(&mut self) -> String {
        let keyword = Vocabulary::new(&mut self.random).parent_keyword();
        format!("/v1/photos?keyword={keyword}")
    }

    /// Returns `start` and the slug of a city.
    fn place(&mut self, start: &str) -> String {
        let number = self.random.u32(..PLACES);
        let place = Vocabulary::new(&mut self.random).place(number);
        format!("{start}{}", place.city.unwrap_or_default().to_lowercase())
    }

    fn country(&mut self) -> String {
        let number = self.random.u32(..PLACES);
        let place = Vocabulary::new(&mut self.random).place(number);
        let code = place.country_code.unwrap_or_default();
        format!("/v1/photos?place={}", code.to_lowercase())
    }

    fn rating(&mut self) -> String {
        format!("/v1/photos?rating={}", self.random.u32(1..=5))
    }

    fn search(&mut self, words: usize) -> String {
        let mut vocabulary = Vocabulary::new(&mut self.random);
        let words: Vec<String> = (0..words).map(|_| vocabulary.search_word()).collect();
        format!("/v1/photos?q={}", words.join("+"))
    }

    fn prefix(&mut self) -> String {
        let prefix = Vocabulary::new(&mut self.random).prefix();
        format!("/v1/photos?q={prefix}")
    }

    fn album(&mut self, kind: &str, parameters: &str) -> String {
        let album = self.random.u32(..ALBUMS);
        format!("/v1/photos?album={kind}-{album}{parameters}")
    }

    fn years_added(&mut self) -> String {
        let year = FIRST_YEAR + self.random.u32(..YEARS - 5);
        let to = year + 4;
        format!("/v1/photos?from={year}&to={to}&order=added")
    }

    fn camera_and_lens(&mut self) -> String {
        let (camera, lens) = (self.camera_parameter(), self.lens_parameter());
        format!("/v1/photos?{camera}&{lens}")
    }

    fn combination(&mut self) -> String {
        let year = FIRST_YEAR + self.random.u32(..YEARS - 5);
        let camera = self.camera_parameter();
        let to = year + 4;
        self.frequent(&format!("&{camera}&from={year}&to={to}"))
    }

    fn on_this_day(&mut self) -> String {
        let date = self.date();
        format!("/v1/on-this-day?date={}", &date[5..])
    }

    fn camera_parameter(&mut self) -> String {
        format!("camera=camera-{}", self.random.u32(..CAMERAS))
    }

    fn lens_parameter(&mut self) -> String {
        format!("lens=lens-{}", self.random.u32(..LENSES))
    }

    fn date(&mut self) -> String {
        let photo = example_photo(self.random.u32(..self.size), self.size);
        let day = photo.capture.day();
        day.map(|day| day.to_string()).unwrap_or_default()
    }
}
