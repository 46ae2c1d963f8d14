// Clips that stand side by side play in step: what is done to one is done to all of them, and
// where one has to load, the others wait for it.
const DRIFT = 0.12; // seconds two may be apart while they play
const STILL = 0.01; // and while they stand
const moved = new WeakSet(); // those whose next seek is ours
const held = new WeakSet(); // those that wait for another
const FOLLOWED = { play, pause, seeking, ratechange, waiting, playing: goOn, canplay: goOn, error: wake, timeupdate: setRight };

export function watchClips() {
  for (const [kind, follow] of Object.entries(FOLLOWED)) {
    document.addEventListener(kind, (event) => {
      const group = event.target.closest?.("[data-in-step]");
      if (group) follow(event.target, [...group.querySelectorAll("video")].filter((each) => each !== event.target && !each.error));
    }, true);
  }
  document.addEventListener("click", playAll);
}

function play(video, others) {
  if (video.paused) return; // again, by now
  held.delete(video);
  for (const other of others.filter((each) => each.paused)) start(other, video.currentTime);
}

function pause(video, others) {
  if (!video.paused || video.ended || held.has(video)) return;
  for (const other of others) {
    held.delete(other);
    other.pause();
  }
}

function seeking(video, others) {
  if (moved.delete(video)) return;
  if (!video.paused && video.currentTime < DRIFT && others.some((each) => isShorter(video, each))) {
    hold(video); // it is over, and the longer one is not
    return;
  }
  for (const other of others) place(other, video.currentTime);
  if (!video.paused) wake(video, others);
}

function ratechange(video, others) {
  for (const other of others) if (other.playbackRate !== video.playbackRate) other.playbackRate = video.playbackRate;
}

function waiting(video, others) {
  if (video.paused) return;
  for (const other of others) if (!other.paused && !isLoading(other)) hold(other);
}

function goOn(video, others) {
  if (video.paused) return;
  if (others.some(isLoading)) hold(video);
  else wake(video, others);
}

/** Those that waited for this one go on where it is, unless there is another to wait for. */
function wake(video, others) {
  if (others.some(isLoading)) return;
  const lead = video.error ? others[0] : video;
  for (const other of others.filter((each) => held.has(each))) start(other, lead.currentTime);
}

/** Only the longest of a group leads, the first of several, or two would chase each other. */
function setRight(video, others) {
  if (video.paused || others.some((each) => isShorter(video, each) || (!isShorter(each, video) && isBefore(each, video)))) return;
  for (const other of others) {
    const over = isShorter(other, video) && video.currentTime > other.duration - DRIFT;
    if (!other.paused && !isLoading(other) && !over) place(other, video.currentTime);
  }
}

function isShorter(video, other) {
  return video.duration + DRIFT < other.duration;
}

function isBefore(video, other) {
  return Boolean(video.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function isLoading(video) {
  return !video.paused && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
}

function hold(video) {
  held.add(video);
  video.pause();
}

function start(video, second) {
  held.delete(video);
  place(video, second);
  video.play().catch(() => {}); // paused again, or gone, before it began
}

function place(video, second) {
  if (Math.abs(video.currentTime - second) <= (video.paused ? STILL : DRIFT)) return;
  moved.add(video);
  video.currentTime = second;
}

function playAll(event) {
  if (!event.target.closest?.("[data-play-all]")) return;
  const all = [...document.querySelectorAll("[data-in-step] video")].filter((each) => !each.error);
  if (all.some((each) => !each.paused)) {
    for (const each of all) {
      held.delete(each);
      each.pause();
    }
  } else if (all.length) {
    for (const each of all) place(each, 0);
    start(all[0], 0);
  }
}
