import "./page.css";

const answer = await fetch(`${import.meta.env.BASE_URL}api/books`);
for (const title of await answer.json()) {
  const item = document.createElement("li");
  item.textContent = title;
  document.getElementById("books").append(item);
}
