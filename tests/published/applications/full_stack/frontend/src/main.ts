const base: string = import.meta.env.VITE_API_URL;

const answer = await fetch(`${base}/api/v1/items/`);
for (const title of await answer.json()) {
  const item = document.createElement("li");
  item.textContent = title;
  document.getElementById("items")!.append(item);
}
