export function NewJob() {
  return null;
}
