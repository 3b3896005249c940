// Dates and exact times in the reader's own zone; UTC stays on hover, and words like "3 hours ago" stay words.
const FORMATS = {
  date: { dateStyle: "medium" },
  second: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
  exact: { year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" },
};

export function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-form]")) {
    const format = FORMATS[time.dataset.form];
    const moment = new Date(time.dateTime);
    if (format && !Number.isNaN(moment.getTime())) {
      time.textContent = new Intl.DateTimeFormat(undefined, format).format(moment);
    }
  }
}
