/** ACR's timestamps have seven to nine fraction digits; a reader that expects three should find out here. */
export function acrTime(time: Date | string): string {
  return new Date(time).toISOString().replace("Z", "0000Z");
}
