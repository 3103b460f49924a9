/**
 * Pictures from the camera, made small and without what the camera wrote into them (place, time, device).
 */

const LONGEST = 1600;
const MOST_BYTES = 4 * 1024 * 1024;
const QUALITIES = [0.8, 0.6, 0.4];

/**
 * The picture as JPEG of at most 1,600 pixels a side, drawn again: nothing but the pixels is kept.
 * Throws 'not_a_picture' if the browser cannot read the file.
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function redrawn(file) {
  const image = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => {
    throw new Error('not_a_picture');
  });
  const { width, height } = fitted(image.width, image.height);
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('not_a_picture');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  image.close();
  for (const quality of QUALITIES) {
    const jpeg = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
    if (jpeg && jpeg.size <= MOST_BYTES) return jpeg;
  }
  throw new Error('not_a_picture');
}

/**
 * The size of a picture whose longer side is at most 1,600 pixels; smaller pictures keep their size.
 * @param {number} width
 * @param {number} height
 */
export function fitted(width, height) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
