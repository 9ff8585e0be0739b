const answer = await fetch(new URL("../books", import.meta.url));
document.getElementById("books").textContent = await answer.text();
