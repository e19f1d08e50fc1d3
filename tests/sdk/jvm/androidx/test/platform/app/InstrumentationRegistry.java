package androidx.test.platform.app;

import android.app.Instrumentation;

/** As much of AndroidX's class as a package's test uses. */
public final class InstrumentationRegistry {
    private InstrumentationRegistry() {}

    public static Instrumentation getInstrumentation() {
        return new Instrumentation();
    }
}
