// What each program of this folder reads of a gallery.

export interface Visit {
    /** The number of pages of the list of photos, with five photos on a page. */
    pages: number;
    /** The stems of all photos, in the order of the list. */
    stems: string[];
    /** The names of the cameras of these photos, each once, sorted. */
    cameras: string[];
    /** The number of photos that have a picture. */
    pictures: number;
    /** The sum of the photos of all months and of the undated ones. */
    counted: number;
    /** The names of the lenses, most photos first. */
    lenses: string[];
    /** The number of photos in the clusters of the globe. */
    clustered: number;
    /** The number of photos in a box around Berlin. */
    berlin: number;
    /** The f-number in the tags of a photo. */
    fNumber: string;
    /** The parameter that a wrong request is told of. */
    wrong: string;
}
