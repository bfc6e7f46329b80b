// Runs a plan with java.net.http, or HttpURLConnection when told "old": `java Plan.java LINES old|new`.
// The plan is lines here, because Java has no JSON: method, path, body, content type, then headers, tab between each.
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
import java.security.cert.X509Certificate;
import javax.net.ssl.*;

public class Plan {
  public static void main(String[] arguments) throws Exception {
    System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
    TrustManager everybody = new X509ExtendedTrustManager() {
      public void checkClientTrusted(X509Certificate[] c, String a) {}
      public void checkServerTrusted(X509Certificate[] c, String a) {}
      public void checkClientTrusted(X509Certificate[] c, String a, Socket s) {}
      public void checkServerTrusted(X509Certificate[] c, String a, Socket s) {}
      public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) {}
      public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) {}
      public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    };
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {everybody}, null);
    HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
    HttpsURLConnection.setDefaultHostnameVerifier((h, s) -> true);
    HttpClient client = HttpClient.newBuilder().sslContext(context).cookieHandler(new CookieManager()).build();
    String base = null;
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      if (base == null) { base = line; continue; }
      String[] part = line.split("\t", -1);
      try {
        if (arguments[1].equals("old")) {
          HttpURLConnection c = (HttpURLConnection) new URL(base + part[1]).openConnection();
          c.setRequestMethod(part[0]);
          if (!part[3].isEmpty()) c.setRequestProperty("Content-Type", part[3]);
          for (int i = 4; i + 1 < part.length; i += 2) c.setRequestProperty(part[i], part[i + 1]);
          if (!part[2].isEmpty()) { c.setDoOutput(true); c.getOutputStream().write(part[2].getBytes()); }
          c.getResponseCode();
          (c.getErrorStream() != null ? c.getErrorStream() : c.getInputStream()).readAllBytes();
        } else {
          HttpRequest.Builder b = HttpRequest.newBuilder(URI.create(base + part[1]));
          b.method(part[0], part[2].isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(part[2]));
          if (!part[3].isEmpty()) b.header("Content-Type", part[3]);
          for (int i = 4; i + 1 < part.length; i += 2) { try { b.header(part[i], part[i + 1]); } catch (IllegalArgumentException e) { } }
          client.send(b.build(), HttpResponse.BodyHandlers.ofString());
        }
      } catch (Exception e) { }
    }
  }
}
