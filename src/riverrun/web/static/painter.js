/** Paints at most once a frame, however fast events come. */
export class Painter {
  #frame = null;
  #paint;

  constructor(paint) {
    this.#paint = paint;
  }

  request() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#paint();
    });
  }

  close() {
    cancelAnimationFrame(this.#frame);
  }
}
