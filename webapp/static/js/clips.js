// Clips that stand side by side play in step: what is done to one is done to all of them.
const DRIFT = 0.12; // seconds two may be apart before one is set right

export function watchClips() {
  for (const kind of ["play", "pause", "seeking", "ratechange"]) document.addEventListener(kind, follow, true);
  document.addEventListener("timeupdate", setRight, true);
  document.addEventListener("click", playAll);
}

function others(video) {
  const group = video.closest?.("[data-in-step]");
  return group ? [...group.querySelectorAll("video")].filter((each) => each !== video) : [];
}

function follow(event) {
  const video = event.target;
  for (const other of others(video)) {
    if (event.type === "play" && other.paused) {
      other.currentTime = video.currentTime;
      other.play();
    }
    if (event.type === "pause" && !other.paused && !video.ended) other.pause();
    if (event.type === "seeking" && video.paused) place(other, video.currentTime);
    if (event.type === "ratechange" && other.playbackRate !== video.playbackRate) other.playbackRate = video.playbackRate;
  }
}

/** Only the first of a group leads, or two would chase each other. */
function setRight(event) {
  const video = event.target;
  const group = video.closest?.("[data-in-step]");
  if (!group || group.querySelector("video") !== video || video.paused) return;
  for (const other of others(video)) place(other, video.currentTime);
}

function place(video, second) {
  if (Math.abs(video.currentTime - second) > DRIFT) video.currentTime = second;
}

function playAll(event) {
  if (!event.target.closest?.("[data-play-all]")) return;
  const first = document.querySelector("[data-in-step] video");
  if (!first) return;
  if (first.paused) {
    first.currentTime = 0;
    first.play();
  } else first.pause();
}
