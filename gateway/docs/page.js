"use strict";

// Shows /openapi.json: operations by service, their parameters, bodies and answers.
// Text of the description only ever becomes text nodes.

const METHODS = ["get", "post", "patch", "put", "delete"];

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.assign(node, attributes);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// resolve follows a local reference such as "#/definitions/x".
function resolve(doc, object) {
  if (!object || !object.$ref) return object || {};
  return object.$ref.slice(2).split("/").reduce((at, key) => (at || {})[key], doc) || {};
}

function schemaName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return schemaName(schema.items) + "[]";
  if (schema.enum) return "enum";
  return schema.format ? `${schema.type} (${schema.format})` : schema.type || "object";
}

// The schema whose fields are worth a table: of the items for an array.
function inner(schema) {
  return schema && schema.type === "array" && !schema.$ref ? schema.items : schema;
}

function table(heads, rows) {
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  return el("table", {}, el("thead", {}, head),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))))));
}

// A schema opens on demand: schemas may contain themselves.
function schemaView(doc, schema, label) {
  const target = resolve(doc, inner(schema));
  const box = el("details", {}, el("summary", {}, `${label}: `, el("code", {}, schemaName(schema))));
  box.addEventListener("toggle", () => {
    if (!box.open || box.dataset.shown) return;
    box.dataset.shown = "yes";
    if (target.description) box.append(el("p", { className: "note" }, target.description));
    if (target.enum) box.append(el("p", {}, el("code", {}, target.enum.join(" | "))));
    const fields = Object.entries(target.properties || {});
    if (fields.length === 0) return;
    const required = target.required || [];
    box.append(table(["字段", "类型", "说明"], fields.map(([name, field]) => [
      el("code", {}, name + (required.includes(name) ? " *" : "")),
      el("code", {}, schemaName(field)),
      (field.readOnly ? "（只读）" : "") + (field.description || field.title || ""),
    ])));
    for (const [name, field] of fields) {
      const deeper = resolve(doc, inner(field));
      if (deeper.properties || deeper.enum) box.append(schemaView(doc, field, name));
    }
  });
  return box;
}

function security(operation) {
  if (operation.security && operation.security.length === 0) return "无需登录";
  const roles = operation["x-fashen-roles"] || [];
  return roles.length > 0 ? "须登录，角色：" + roles.join("、") : "须登录";
}

function operationView(doc, method, path, operation) {
  const parameters = (operation.parameters || []).map((p) => resolve(doc, p));
  const plain = parameters.filter((p) => p.in !== "body");
  const box = el("details", { className: "operation", id: operation.operationId },
    el("summary", {}, el("span", { className: "method" }, method.toUpperCase()), el("code", {}, path)));
  box.dataset.text = `${method} ${path} ${operation.operationId} ${operation.summary || ""}`.toLowerCase();
  box.append(el("p", { className: "note" }, operation.summary || "", operation.description ? "\n" + operation.description : ""));
  box.append(el("p", {}, security(operation)));
  if (operation.consumes) box.append(el("p", {}, "正文类型：", el("code", {}, operation.consumes.join(", "))));
  if (plain.length > 0) {
    box.append(table(["参数", "位置", "类型", "说明"], plain.map((p) => [
      el("code", {}, p.name + (p.required ? " *" : "")), p.in,
      el("code", {}, p.enum ? p.enum.join(" | ") : schemaName(p)), p.description || "",
    ])));
  }
  for (const p of parameters.filter((p) => p.in === "body")) {
    if (p.description) box.append(el("p", { className: "note" }, p.description));
    box.append(schemaView(doc, p.schema, "请求正文"));
  }
  for (const [code, answer] of Object.entries(operation.responses || {})) {
    if (answer.schema) box.append(schemaView(doc, answer.schema, `答复 ${code}`));
  }
  return box;
}

function show(doc) {
  document.getElementById("about").textContent = doc.info.description || "";
  const byTag = new Map((doc.tags || []).map((tag) => [tag.name, { tag, views: [] }]));
  for (const path of Object.keys(doc.paths).sort()) {
    for (const method of METHODS) {
      const operation = doc.paths[path][method];
      if (!operation) continue;
      const name = (operation.tags || ["其他"])[0];
      if (!byTag.has(name)) byTag.set(name, { tag: { name }, views: [] });
      byTag.get(name).views.push(operationView(doc, method, path, operation));
    }
  }
  const main = document.getElementById("operations");
  main.replaceChildren(...[...byTag.values()].filter(({ views }) => views.length > 0).map(({ tag, views }) =>
    el("section", {}, el("h2", {}, tag.name), el("p", { className: "note" }, tag.description || ""), ...views)));
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const section of main.children) {
      const views = [...section.querySelectorAll(".operation")];
      for (const view of views) view.hidden = !words.every((word) => view.dataset.text.includes(word));
      section.hidden = views.every((view) => view.hidden);
    }
  });
  const linked = location.hash && document.getElementById(location.hash.slice(1));
  if (linked) {
    linked.open = true;
    linked.scrollIntoView();
  }
}

fetch("/openapi.json")
  .then((answer) => {
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  })
  .then(show)
  .catch((error) => {
    document.getElementById("operations").replaceChildren(el("p", {}, "接口说明读取失败：" + error.message));
  });
