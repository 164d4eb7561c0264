// Formulas. `document$` fires on every page view.
document$.subscribe(function () {
  for (const element of document.querySelectorAll(".arithmatex")) {
    const source = element.textContent.trim();
    const display = source.startsWith("\\[");
    katex.render(source.slice(2, -2), element, { displayMode: display, throwOnError: false });
  }
});

// Material's search cuts a Chinese query into words that the index knows. It never tries a word that ends with the query
// (`j < query.length` in its `segment`), and it joins the words with "or": 隐私预算 led to any page about 隐私. One more
// character, in no page, mends the first; a plus means "and". What has no answer that way is asked again with "or".
const QUERY = 2; // SearchMessageType of Material's worker
const RESULT = 3;
const HAN = /\p{Script=Han}+/gu;
const NAME = /[a-z]\w*_\w+/gi; // the index holds its parts
const END = "\u3400";
const post = Worker.prototype.postMessage;
const unanswered = new WeakMap(); // worker → for each query it still works on, what to ask if nothing is found

function ask(worker, message, data, otherwise) {
  if (!unanswered.has(worker)) {
    unanswered.set(worker, []);
    worker.addEventListener("message", ({ data: answer }) => {
      if (answer.type !== RESULT) return;
      const other = unanswered.get(worker).shift();
      const last = unanswered.get(worker).length === 0;
      if (other && last && answer.data.items.length === 0) ask(worker, message, other);
    });
  }
  unanswered.get(worker).push(otherwise);
  post.call(worker, { ...message, data });
}

Worker.prototype.postMessage = function (message, ...rest) {
  if (message?.type !== QUERY || typeof message.data !== "string") return post.call(this, message, ...rest);
  const every = message.data.replace(HAN, ` +"$&${END}"`).replace(NAME, " +$&");
  const some = message.data.replace(HAN, `$&${END}`);
  ask(this, message, every, some === every ? undefined : some);
};
