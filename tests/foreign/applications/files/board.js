// The page says where it is: document.baseURI has the prefix.
const list = document.getElementById("notes");
fetch(new URL("api/notes", document.baseURI))
  .then((answer) => answer.json())
  .then((notes) => list.replaceChildren(...notes.map((note) => Object.assign(document.createElement("li"), note))));
const live = new WebSocket(document.body.dataset.live);
live.onmessage = (event) => list.append(event.data);
new EventSource(new URL("events", document.baseURI)).onmessage = (event) => list.append(event.data);
