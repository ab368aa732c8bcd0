import "./gradients/added.ts";
import "./gradients/mended.ts";
