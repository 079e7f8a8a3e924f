declare module "virtual:dockview-styles" {
  const css: string;
  export default css;
}
declare module "*.css?inline" {
  const css: string;
  export default css;
}
declare module "*?url" {
  const url: string;
  export default url;
}
declare module "*?worker&url" {
  const url: string;
  export default url;
}
