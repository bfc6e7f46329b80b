// The demo shop's few scripts: stock from the API, the chat's WebSocket, the tide's event stream.
const one = (selector) => document.querySelector(selector);

const stock = one("[data-stock]");
if (stock) {
  fetch(`/api/products/${stock.dataset.stock}`, { headers: { Accept: "application/json" } })
    .then((response) => response.json())
    .then((product) => { stock.textContent = product.stock > 0 ? `${product.stock} on the shelf` : "Sold out"; })
    .catch(() => { stock.textContent = "The shelf did not answer"; });
}

const chat = one("[data-chat]");
if (chat) {
  const log = one("#log");
  const state = one("#state");
  const say = (text) => {
    const line = document.createElement("li");
    line.textContent = text;
    log.append(line);
    while (log.children.length > 200) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
  };
  let socket;
  const connect = () => {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat/socket`);
    socket.onopen = () => { state.textContent = "connected"; };
    socket.onmessage = (message) => say(message.data);
    socket.onclose = (end) => {
      state.textContent = `closed (${end.code}), trying again`;
      setTimeout(connect, 2000);
    };
  };
  connect();
  chat.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = one("#line");
    if (field.value && socket.readyState === WebSocket.OPEN) socket.send(field.value);
    field.value = "";
  });
}

const gauge = one("[data-tide]");
if (gauge) {
  const heights = [];
  const draw = () => {
    const pen = gauge.getContext("2d");
    const style = getComputedStyle(gauge);
    gauge.width = gauge.clientWidth;
    gauge.height = gauge.clientHeight;
    pen.fillStyle = style.getPropertyValue("--sea");
    pen.beginPath();
    pen.moveTo(0, gauge.height);
    heights.forEach((height, step) => pen.lineTo((step / 119) * gauge.width, gauge.height * (1 - height / 6)));
    pen.lineTo(((heights.length - 1) / 119) * gauge.width, gauge.height);
    pen.fill();
  };
  const stream = new EventSource("/tide/stream");
  stream.addEventListener("tide", (event) => {
    const tide = JSON.parse(event.data);
    heights.push(tide.metres);
    if (heights.length > 120) heights.shift();
    one("#tide").textContent = `${tide.metres.toFixed(2)} m, ${tide.rising ? "rising" : "falling"}`;
    draw();
  });
  stream.onerror = () => { one("#tide").textContent = "the gauge is silent, trying again"; };
}
