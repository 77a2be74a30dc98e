import { setFlagsFromString } from 'node:v8'

/**
 * Lets V8 begin the life of every object among the young ones, in all threads of this process. By itself V8 makes objects old at once where those before them
 * outlived some collections ("pretenuring"), and one large request is enough for that. With objects that live no longer than a request it is mistaken: they are dead
 * soon, but lie where it seldom collects, and until then keep all that they point to alive, which is copied, becomes old, and keeps more.
 */
export function keepYoungObjectsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
