import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript-6";
import { readManifest, workspace } from "./packages.ts";

/** An export of a package, or a member of an exported interface, as its source has it. */
export interface Documented {
  /** `pruning: schedule`, and `pruning: Position.step` for a member. */
  readonly name: string;
  /** Relative to the workspace, with a line. */
  readonly place: string;
  readonly kind: "function" | "class" | "value" | "type" | "member" | "method";
  /** Whether it may be left out: `step?: number`. */
  readonly optional: boolean;
  /** Text of its docstring; empty without one. */
  readonly docstring: string;
  /** Types that hold tensors or typed arrays, as far as parameters and the result (or the member's type) name them. */
  readonly arrays: readonly string[];
  /** Whether a statement of its own body throws. */
  readonly throws: boolean;
  /** Names that `@param` may have: parameters, and what is taken out of them in their place. */
  readonly parameters: readonly string[];
}

const arrayNames =
  /^(Tensor([0-6]D|Like.*)?|Scalar|NDArray|TypedArray|(Uint8|Uint16|Uint32|Int8|Int16|Int32|Float32|Float64|BigInt64|BigUint64)Array|ArrayBuffer)$/;
/** Numbers without a shape of their own. */
const shapeless = /^(Scalar|ArrayBuffer)$/;

/** Every export of every package, with the members of what it exports, each once and by the alphabet. */
export function documented(root: string = workspace): Documented[] {
  const packages = readdirSync(join(root, "packages")).map((short) => ({
    short,
    entries: Object.values(readManifest(join(root, "packages", short)).exports).map((file) =>
      join(root, "packages", short, String(file)),
    ),
  }));
  const config = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, include: [], files: [] }, ts.sys, root);
  const program = ts.createProgram(
    packages.flatMap(({ entries }) => entries),
    options,
  );
  const checker = program.getTypeChecker();
  const found = packages.flatMap(({ short, entries }) => {
    const seen = new Map<ts.Declaration, Documented[]>();
    for (const entry of entries) {
      const source = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
      for (const exported of checker.getExportsOfModule(source)) {
        const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        for (const declaration of symbol.declarations ?? []) {
          const { fileName } = declaration.getSourceFile();
          if (!fileName.startsWith(join(root, "packages", short))) continue;
          seen.set(declaration, describe(`${short}: ${exported.name}`, declaration, checker, root));
        }
      }
    }
    return [...seen.values()].flat();
  });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What a docstring must say and does not; empty where nothing is amiss. */
export function faultsOf({ name, kind, optional, docstring, arrays, throws, parameters }: Documented): string[] {
  const says = (pattern: RegExp) => pattern.test(docstring);
  const isBytes = arrays.join() === "Uint8Array" && says(/\bbytes?\b|\bfile\b/);
  const unknown = [...docstring.matchAll(/^@param (\w+)/gm)]
    .map(([, word]) => word!)
    .filter((p) => !parameters.includes(p));
  const option = kind === "member" && optional && /Options\.\w+$/.test(name);
  const faults: readonly [boolean, string][] = [
    [!says(/^[^@]/), "a sentence that says what it is"],
    [
      arrays.length > 0 && !isBytes && !says(/\[[^\]]*\]/),
      `the shape of its ${arrays.join(", ")}, such as [batch, length]`,
    ],
    [throws && !says(/throws|refuse|\berror\b/i), "what it throws, and when"],
    [option && !says(/default|absent|without|where|none|never|unless|told|called/i), "what holds where it is left out"],
    [unknown.length > 0, `parameters that there are, and not ${unknown.join(", ")}`],
  ];
  return faults.flatMap(([wrong, expected]) => (wrong ? [`expected ${expected}`] : []));
}

/** A declaration and, of an interface, a class or a type of an object, its members. */
function describe(name: string, declaration: ts.Declaration, checker: ts.TypeChecker, root: string): Documented[] {
  const source = declaration.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(declaration.getStart());
  const body = functionOf(declaration);
  const kinds: readonly [boolean, Documented["kind"]][] = [
    [ts.isClassDeclaration(declaration), "class"],
    [ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration), "type"],
    [ts.isMethodDeclaration(declaration) || ts.isMethodSignature(declaration), "method"],
    [isMember(declaration), "member"],
    [body !== undefined, "function"],
  ];
  const own: Documented = {
    name,
    place: `${relative(root, source.fileName)}:${line + 1}`,
    kind: kinds.find(([is]) => is)?.[1] ?? "value",
    optional: "questionToken" in declaration && declaration.questionToken !== undefined,
    docstring: docstringOf(declaration),
    arrays: arraysOf(declaration, checker),
    throws: body !== undefined && hasThrow(body),
    parameters: body?.parameters.flatMap(({ name }) => namesIn(name)) ?? [],
  };
  const members = membersOf(declaration).flatMap((member) =>
    member.name === undefined || ts.isPrivateIdentifier(member.name)
      ? []
      : describe(`${name}.${member.name.getText()}`, member, checker, root),
  );
  return [own, ...members];
}

const isMember = (node: ts.Node): boolean => ts.isPropertySignature(node) || ts.isPropertyDeclaration(node);

/** The members that are told one by one. */
function membersOf(declaration: ts.Declaration): readonly (ts.ClassElement | ts.TypeElement)[] {
  const isOpen = (node: ts.Declaration) =>
    !(ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
  if (ts.isClassDeclaration(declaration)) return declaration.members.filter(isOpen);
  if (ts.isInterfaceDeclaration(declaration)) return declaration.members;
  if (!ts.isTypeAliasDeclaration(declaration)) return [];
  const parts = ts.isIntersectionTypeNode(declaration.type) ? declaration.type.types : [declaration.type];
  return parts.flatMap((part) => (ts.isTypeLiteralNode(part) ? [...part.members] : []));
}

/** What a declaration runs, when it is a function: `function f() {}`, `const f = () => {}`, a method. */
function functionOf(declaration: ts.Declaration): ts.SignatureDeclaration | undefined {
  if (ts.isFunctionDeclaration(declaration) || ts.isMethodDeclaration(declaration) || ts.isMethodSignature(declaration))
    return declaration;
  const value = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
  return value !== undefined && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) ? value : undefined;
}

const namesIn = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));

/** Text of the comment in front, tags and all. */
function docstringOf(declaration: ts.Declaration): string {
  return ts
    .getJSDocCommentsAndTags(declaration)
    .filter(ts.isJSDoc)
    .map((comment) => comment.getText())
    .join("\n")
    .replaceAll(/^\/\*\*|\*\/$|^\s*\* ?/gm, "")
    .trim();
}

/** Whether a function throws by itself, not in one that it makes. */
function hasThrow(node: ts.Node): boolean {
  let found = false;
  const visit = (inner: ts.Node): void => {
    if (ts.isThrowStatement(inner)) found = true;
    else if (!ts.isFunctionLike(inner)) ts.forEachChild(inner, visit);
  };
  ts.forEachChild(node, visit);
  return found;
}

/** Tensors and typed arrays among the types of parameters and result, or in the type of a member; in a Record, an array, a Promise too. */
function arraysOf(declaration: ts.Declaration, checker: ts.TypeChecker): string[] {
  const found = new Set<string>();
  const visit = (type: ts.Type, depth: number): void => {
    const name = (type.aliasSymbol ?? type.symbol)?.name ?? "";
    if (arrayNames.test(name)) {
      if (!shapeless.test(name)) found.add(name);
      return;
    }
    if (type.isUnionOrIntersection()) for (const part of type.types) visit(part, depth);
    if (depth === 0) return;
    const inner = [...(type.aliasTypeArguments ?? []), ...checker.getTypeArguments(type as ts.TypeReference)];
    if (
      /^(Record|Readonly|Partial|Array|ReadonlyArray|Promise|Map|ReadonlyMap|AsyncIterable|Iterable|AsyncGenerator|Generator|AsyncIterableIterator|__type)$/.test(
        name,
      )
    )
      for (const argument of inner) visit(argument, depth - 1);
  };
  const type = checker.getTypeAtLocation(declaration);
  const [signature] = type.getCallSignatures();
  if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) return [];
  if (signature === undefined) visit(type, 3);
  else {
    for (const parameter of signature.getParameters())
      visit(checker.getTypeOfSymbolAtLocation(parameter, declaration), 3);
    visit(signature.getReturnType(), 3);
  }
  return [...found];
}
